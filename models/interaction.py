"""The interaction head that serves: whether two questions mean the same, from their two vectors alone.

It lies in its encoder's model directory as `interaction.onnx`, where there is one. Vectors do not depend on it, so it
is no part of the encoder's digest; it names, in the metadata of its file, the digest that it was trained for.

    query (1, dim), candidates (BLOCK, dim) float32  ->  affinity (BLOCK,) float32
"""

from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.directory import ModelDirectory
from models.errors import ModelDirectoryError
from models.message import Message
from models.onnx_session import load_session
from models.types import Vectors

INTERACTION: Final = "interaction.onnx"
ENCODER_DIGEST: Final = "encoder_digest"
"""Key of the file's metadata."""
BLOCK: Final = 16
"""Candidates of a run, always: a matrix product of another size may add up in another order."""


class OnnxInteractionHead:
    """Compares vectors in blocks of one size, so that an affinity is bit-equal alone and whatever stands beside it.

    `affinities` may be called from any number of threads.
    """

    def __init__(self, label: str, session: onnxruntime.InferenceSession) -> None:
        self.label = label
        """`interaction@` and the first twelve digits of its file's hash."""
        self._session = session

    @classmethod
    def open(cls, directory: ModelDirectory) -> Self:
        """Load the head of a verified model directory; ModelDirectoryError names the file and the fix."""
        file = directory.file(INTERACTION)
        if not has_interaction_head(directory):
            raise ModelDirectoryError(
                Message("{file}: this model has no interaction head: faqmatch train interaction makes one", file=file)
            )
        session = load_session(file)
        digest = session.get_modelmeta().custom_metadata_map.get(ENCODER_DIGEST, "")
        if digest != directory.spec.digest:
            raise ModelDirectoryError(
                Message(
                    "{file}: was trained for the encoder {found}, this one is {digest}: train one for it "
                    "(faqmatch train interaction)",
                    file=file,
                    found=digest[:12] or Message("none"),
                    digest=directory.spec.digest[:12],
                )
            )
        head = cls(f"interaction@{directory.sha256[INTERACTION][:12]}", session)
        head._require_probability(file, directory.spec.dim)
        return head

    def affinities(self, query: Vectors, candidates: Vectors) -> NDArray[np.float32]:
        """Give the probability that each candidate means the same as the query, (n,) in [0, 1].

        `query` is (dim,), `candidates` (n, dim). It is symmetric, and does not depend on the other candidates.
        """
        found = np.empty(len(candidates), np.float32)
        asked, block = query[None], np.zeros((BLOCK, query.shape[0]), np.float32)
        for begin in range(0, len(candidates), BLOCK):
            part = candidates[begin : begin + BLOCK]
            block[: len(part)] = part
            found[begin : begin + len(part)] = self._session.run(None, {"query": asked, "candidates": block})[0][
                : len(part)
            ]
        return found

    def _require_probability(self, file: Path, dim: int) -> None:
        """Refuse a network that takes or gives something else; finite weights give finite affinities."""
        unit = np.full(dim, dim**-0.5, np.float32)
        try:
            (affinity,) = self.affinities(unit, unit[None])
        except Exception as error:
            raise _no_head(file, error) from error
        if not 0 <= affinity <= 1:  # also for NaN
            raise _no_head(file, affinity)


def has_interaction_head(directory: ModelDirectory) -> bool:
    """Say whether a model directory holds one."""
    return INTERACTION in directory.sha256


def _no_head(file: Path, reason: object) -> ModelDirectoryError:
    return ModelDirectoryError(
        Message(
            "{file}: is no interaction head ({reason}): copy the model directory again from where it came",
            file=file,
            reason=reason,
        )
    )
