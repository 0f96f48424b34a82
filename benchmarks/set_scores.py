"""The figures of one encoder on one labelled set, with what their intervals are drawn from.

The definitions are those of models/evaluation.py. The intervals: P@1 is a mean over in-scope queries, accuracy one
over pairs, judged at the threshold that is best on the whole set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data_folder import PairSet
from models.evaluation import Encode, RetrievalScores, RetrievalSet, evaluate_pairs, evaluate_retrieval
from models.intervals import Interval, mean_interval

_AUROC = "oos AUROC"


@dataclass(frozen=True, kw_only=True)
class SetScores:
    """Metric name to value; `judged` says of each item whether it was right, and its mean is the first metric."""

    metrics: Mapping[str, float]
    judged: NDArray[np.bool_]

    @property
    def headline(self) -> Interval:
        """The first metric."""
        return mean_interval(self.judged)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report: the first metric with its interval, the others as they are."""
        first = next(iter(self.metrics))
        return {**self.metrics, first: self.headline.to_json()}


def score_retrieval(encode: Encode, data: RetrievalSet) -> SetScores:
    """Rank the groups for each query; AUROC, where there are queries out of scope, tells these by similarity alone."""
    scores = evaluate_retrieval(encode, data)
    metrics = {
        "P@1": scores.precision_at_1(),
        "MRR@10": scores.reciprocal_rank_at(10),
        "hit@10": scores.hit_at(10),
    }
    if (scores.rank == 0).any():
        metrics[_AUROC] = tell_out_of_scope(scores)
    return SetScores(metrics=metrics, judged=scores.rank[scores.rank > 0] == 1)


def score_pairs(encode: Encode, data: PairSet) -> SetScores:
    """Compare the two texts of each pair by their cosine."""
    similarity = (encode(data.texts_a) * encode(data.texts_b)).sum(axis=1)
    scores = evaluate_pairs(similarity, data.label)
    return SetScores(
        metrics={
            "accuracy": scores.best_threshold_accuracy,
            "AP": scores.average_precision,
            "Spearman": scores.spearman,
        },
        judged=judge_at_best_threshold(similarity, data.label),
    )


def tell_out_of_scope(scores: RetrievalScores) -> float:
    """Give the share of (in scope, out of scope) pairs of queries where the first has the higher best similarity."""
    inside, outside = scores.best[scores.rank > 0], scores.best[scores.rank == 0]
    return float((inside[:, None] > outside[None]).mean())


def judge_at_best_threshold(similarity: NDArray[np.float32], label: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say of each pair, (n,), whether the threshold with the highest accuracy puts it on the right side."""
    order = np.argsort(-similarity)
    same = label[order] > 0.5
    right = np.cumsum(same) + (~same).sum() - np.cumsum(~same)
    judged = np.empty(len(same), bool)
    judged[order] = (np.arange(len(same)) <= right.argmax()) == same
    return judged
