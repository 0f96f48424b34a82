"""What an approximate index finds of what exact search finds, and how long each takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.durations import Durations, durations_of
from indexer.dense import VectorIndex
from models.intervals import Interval, mean_interval
from models.types import Vectors

_TIE: Final = 1e-6
_BLOCK: Final = 50
SEARCHED: Final = 32
"""Rows that the matcher asks for at first: what the times are of."""


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Share of the k nearest rows that are found, as a mean over queries; a row as near as the k-th counts."""

    at_1: Interval
    at_10: Interval

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        return {"recall@1": self.at_1.to_json(), "recall@10": self.at_10.to_json()}


def compare_with_exact(index: VectorIndex, exact: VectorIndex, queries: Vectors, *, of_the_index: bool) -> Recall:
    """Compare two indexes over the same rows. With `of_the_index` the queries are rows too, which do not count."""
    return Recall(
        at_1=mean_interval(_found(index, exact, queries, 1, skipped=int(of_the_index))),
        at_10=mean_interval(_found(index, exact, queries, 10, skipped=int(of_the_index))),
    )


def time_searches(indexes: Mapping[str, VectorIndex], queries: Vectors) -> dict[str, Durations]:
    """Search one query at a time, the indexes taking turns, after a block that warms each up."""
    taken: dict[str, list[float]] = {name: [] for name in indexes}
    for begin in (0, *range(0, len(queries), _BLOCK)):
        for name, index in indexes.items():
            for query in queries[begin : begin + _BLOCK]:
                start = time.perf_counter()
                index.search(query[None], min(SEARCHED, len(index)))
                taken[name].append((time.perf_counter() - start) * 1000)
    warm_up = len(queries[:_BLOCK])
    return {name: durations_of(values[warm_up:]) for name, values in taken.items()}


def _found(index: VectorIndex, exact: VectorIndex, queries: Vectors, k: int, *, skipped: int) -> NDArray[np.float64]:
    """Give the share found of each query, (queries,); the first `skipped` rows of both are left out."""
    wanted = min(k + skipped, len(exact))
    found = index.search(queries, wanted).similarities
    least = exact.search(queries, wanted).similarities[:, -1:] - _TIE
    shares: NDArray[np.float64] = (found[:, skipped:] >= least).mean(axis=1)
    return shares
