"""What one encoder made of each item of a labelled set, and the figures that follow for all of them or for a sample.

The definitions are those of models/evaluation.py. Accuracy is at the threshold that is best on the whole set.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.data_folder import PairSet
from models.evaluation import Encode, RetrievalScores, RetrievalSet, evaluate_pairs, evaluate_retrieval
from models.types import InteractionHead

BY_AFFINITY: Final = " by affinity"
GAINED: Final = " gained by affinity"


class SetScores(Protocol):
    """The items of a set, judged."""

    def figures(self, places: NDArray[np.int64]) -> dict[str, float]:
        """Give the figures by name of the items at `places`, (n,); NaN where these items define none."""
        ...


@dataclass(frozen=True, kw_only=True)
class JudgedQueries:
    """The queries of a retrieval set; AUROC, where some are out of scope, tells these by similarity alone."""

    scores: RetrievalScores

    def figures(self, places: NDArray[np.int64]) -> dict[str, float]:
        """As `SetScores`."""
        drawn = RetrievalScores(
            rank=self.scores.rank[places], best=self.scores.best[places], margin=self.scores.margin[places]
        )
        asked = len(drawn.in_scope) > 0
        figures = {
            "P@1": drawn.precision_at_1() if asked else np.nan,
            "MRR@10": drawn.reciprocal_rank_at(10) if asked else np.nan,
            "hit@10": drawn.hit_at(10) if asked else np.nan,
        }
        return figures | ({"oos AUROC": tell_out_of_scope(drawn)} if (self.scores.rank == 0).any() else {})


@dataclass(frozen=True, kw_only=True)
class JudgedPairs:
    """The pairs of a pair set, by their cosine and, where the model has a head, by affinity."""

    label: NDArray[np.float64]
    graded: bool
    """Labels are degrees of similarity: only their order counts, Spearman."""
    similarity: NDArray[np.float32]
    affinity: NDArray[np.float32] | None = None

    def figures(self, places: NDArray[np.int64]) -> dict[str, float]:
        """As `SetScores`."""
        figures = self._compare(self.similarity, places)
        if not self.graded:
            figures["accuracy"] = float(self._right[places].mean())
        if self.affinity is not None:
            name, by_cosine = next(iter(figures.items()))
            by_affinity = self._compare(self.affinity, places)[name]
            figures |= {f"{name}{BY_AFFINITY}": by_affinity, f"{name}{GAINED}": by_affinity - by_cosine}
        return figures

    def _compare(self, numbers: NDArray[np.float32], places: NDArray[np.int64]) -> dict[str, float]:
        """Give the figures of which the order of all pairs decides, the one that counts most first."""
        label = self.label[places]
        names = ("Spearman",) if self.graded else ("AP", "Spearman")
        if label.min() == label.max() or label.max() <= 0.5:
            return dict.fromkeys(names, np.nan)
        scores = evaluate_pairs(numbers[places], label)
        found = {"AP": scores.average_precision, "Spearman": scores.spearman}
        return {name: found[name] for name in names}

    @cached_property
    def _right(self) -> NDArray[np.bool_]:
        """Say of each pair whether the best threshold puts it on the right side."""
        threshold = evaluate_pairs(self.similarity, self.label).threshold
        right: NDArray[np.bool_] = (self.similarity >= threshold) == (self.label > 0.5)
        return right


def score_queries(encode: Encode, data: RetrievalSet) -> JudgedQueries:
    """Rank the groups for each query."""
    return JudgedQueries(scores=evaluate_retrieval(encode, data))


def score_pairs(encode: Encode, head: InteractionHead | None, data: PairSet, *, graded: bool) -> JudgedPairs:
    """Compare the two texts of each pair."""
    first, second = encode(data.texts_a), encode(data.texts_b)
    affinity = None
    if head:
        sides = zip(first, second[:, None], strict=True)
        affinity = np.array([head.affinities(query, candidate)[0] for query, candidate in sides], np.float32)
    return JudgedPairs(label=data.label, graded=graded, similarity=(first * second).sum(axis=1), affinity=affinity)


def tell_out_of_scope(scores: RetrievalScores) -> float:
    """Give the share of (in scope, out of scope) pairs of queries where the first has the higher best similarity.

    NaN where there is no such pair.
    """
    inside, outside = scores.best[scores.rank > 0], scores.best[scores.rank == 0]
    if not len(inside) or not len(outside):
        return float("nan")
    return float(np.searchsorted(np.sort(outside), inside).sum() / (len(inside) * len(outside)))
