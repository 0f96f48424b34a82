"""From similarity to confidence: a monotone map, fitted for one encoder.

A cosine means something else for each encoder (multilingual-e5's crowd between 0.7 and 1), so no threshold acts on
it. The map is a logistic regression (Platt scaling, "Probabilistic outputs for SVMs", 1999) of "this entry is the
right one" on two numbers: the entry's similarity, and how far it stands above the best other entry. It rises in
both. It was fitted on queries whose right entry is known, queries without a right entry included.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelDirectoryError
from models.message import Message, reason_of


@dataclass(frozen=True, kw_only=True)
class ConfidenceMap:
    """confidence = sigmoid(intercept + similarity_slope * s + margin_slope * (s - rival)); slopes are >= 0."""

    encoder: str
    """Digest of the encoder it was fitted for."""
    intercept: float
    similarity_slope: float
    margin_slope: float
    background: float
    """Similarity of unrelated questions: the rival of an entry that has none."""
    fitted_on: str

    def __post_init__(self) -> None:
        numbers = (self.intercept, self.similarity_slope, self.margin_slope, self.background)
        if not np.isfinite(numbers).all() or self.similarity_slope < 0 or self.margin_slope < 0:
            raise ValueError(Message("numbers must be finite and slopes at least 0"))

    def confidences(self, similarities: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the confidence of each of a query's candidate entries, (n,) best first -> (n,) in [0, 1], descending."""
        if not len(similarities):
            return np.empty(0)
        similarity = similarities.astype(np.float64)
        logit = self.intercept + self.similarity_slope * similarity + self.margin_slope * self.margins(similarity)
        return np.asarray(1 / (1 + np.exp(-np.clip(logit, -500, 500))))

    def margins(self, similarities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give how far each candidate, best first, stands above the best other one."""
        runner_up = max(similarities[1], self.background) if len(similarities) > 1 else self.background
        rivals = np.full(len(similarities), max(similarities[0], self.background))
        rivals[0] = runner_up
        margins: NDArray[np.float64] = similarities - rivals
        return margins

    @property
    def label(self) -> str:
        """Name in replies: `default@` and the first eight digits of its own digest."""
        return "default@" + hashlib.sha256(self.to_json().encode()).hexdigest()[:8]

    def to_json(self) -> str:
        """Give the content of `confidence.json`."""
        return json.dumps(vars(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, file: Path, encoder: str) -> Self:
        """Read a `confidence.json`; ModelDirectoryError when it is damaged or belongs to another encoder."""
        try:
            confidence = cls(**json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ModelDirectoryError(
                Message("{file}: is no confidence map: {reason}", file=file, reason=reason_of(error))
            ) from error
        if confidence.encoder != encoder:
            raise ModelDirectoryError(
                Message(
                    "{file}: was fitted for encoder {fitted}, this is {encoder}: convert the model again",
                    file=file,
                    fitted=confidence.encoder[:12],
                    encoder=encoder[:12],
                )
            )
        return confidence
