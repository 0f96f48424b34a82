"""The development metric of a cross-encoder: P@1 after it has put an encoder's first candidates into order."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers.base.evaluation import BaseEvaluator
from torch import nn

from models.reranker import in_canonical_order
from models.reranking import RerankingSet


class RerankingMetric(BaseEvaluator):
    """P@1 of each set and their mean, `p_at_1`, beside the mean of the encoder alone, `encoder_p_at_1`."""

    def __init__(self, sets: Sequence[RerankingSet], *, both_directions: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.primary_metric = "p_at_1"
        self._sets = sets
        self._both_directions = both_directions

    def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 (as the library calls it)
        """Give P@1 by the logits of `model`, summed where it reads in both directions."""
        found = {one.name: one.precision_at_1(self._logits(model, one)) for one in self._sets}
        encoder = [one.precision_at_1(one.similarity) for one in self._sets]
        return {
            **{f"p_at_1_{name}": value for name, value in found.items()},
            "encoder_p_at_1": float(np.mean(encoder)),
            "p_at_1": float(np.mean([*found.values()])),
        }

    def _logits(self, model: Any, data: RerankingSet) -> NDArray[np.float32]:  # noqa: ANN401 (a CrossEncoder)
        pairs = [in_canonical_order(*pair) for pair in data.pairs]
        logits = _predict(model, pairs)
        return (
            logits + _predict(model, [(second, first) for first, second in pairs]) if self._both_directions else logits
        )


def _predict(model: Any, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:  # noqa: ANN401 (a CrossEncoder)
    logits: NDArray[np.float32] = model.predict(pairs, activation_fn=nn.Identity(), show_progress_bar=False)
    return logits
