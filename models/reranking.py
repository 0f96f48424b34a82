"""Measuring a reranker: whether it puts the right one of an encoder's first candidates in front."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation import Encode, RetrievalSet

_BLOCK = 256  # queries compared at a time: bounds memory at block x texts floats


@dataclass(frozen=True, kw_only=True)
class RerankingSet:
    """Queries with the first groups that an encoder finds for each; a group stands as its text nearest to the query.

    All arrays have a row a pair; the pairs of a query stand together, in the order of the encoder.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]
    """(query, candidate), in the normal form `text`."""
    query_of_pair: NDArray[np.int64]
    right: NDArray[np.bool_]
    similarity: NDArray[np.float32]
    in_scope: int
    """Queries that have a right group at all, whether or not the encoder found it."""

    def precision_at_1(self, ranking: NDArray[np.floating]) -> float:
        """Share of in-scope queries whose best pair by `ranking`, (n,), is right; what was not found cannot be."""
        return float(self.right_first(ranking).sum() / self.in_scope)

    def right_first(self, ranking: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Say of each query whether its best pair by `ranking`, (n,), is right, or one that is equal to it."""
        best = np.maximum.reduceat(ranking, self._starts)
        best_right = np.maximum.reduceat(np.where(self.right, ranking, -np.inf), self._starts)
        return np.asarray(best_right >= best)

    def by_query(self) -> list[tuple[str, list[str]]]:
        """Give each query with its candidates; all candidates together are the pairs, in order."""
        parts = np.split(np.arange(len(self.pairs)), self._starts[1:])
        return [(self.pairs[part[0]][0], [self.pairs[place][1] for place in part]) for part in parts]

    @property
    def _starts(self) -> NDArray[np.int64]:
        starts: NDArray[np.int64] = np.flatnonzero(np.diff(self.query_of_pair, prepend=-1))
        return starts


def first_candidates(encode: Encode, data: RetrievalSet, count: int) -> RerankingSet:
    """Take the first `count` groups of each query by their best text's cosine; texts are in the normal form `text`."""
    texts, queries = encode(data.texts), encode(data.queries)
    starts = np.flatnonzero(np.diff(data.group_of_text, prepend=-1))
    count = min(count, len(starts))
    pairs: list[tuple[str, str]] = []
    right: list[bool] = []
    similarity: list[float] = []
    for begin in range(0, len(queries), _BLOCK):
        for row, similarities in enumerate(queries[begin : begin + _BLOCK] @ texts.T, begin):
            for place in _best_texts(similarities, starts, count):
                pairs.append((data.queries[row], data.texts[place]))
                right.append(int(data.group_of_text[place]) in data.relevant[row])
                similarity.append(float(similarities[place]))
    return RerankingSet(
        name=data.name,
        pairs=tuple(pairs),
        query_of_pair=np.repeat(np.arange(len(queries)), count),
        right=np.array(right, np.bool_),
        similarity=np.array(similarity, np.float32),
        in_scope=sum(map(bool, data.relevant)),
    )


def _best_texts(similarities: NDArray[np.float32], starts: NDArray[np.int64], count: int) -> Sequence[int]:
    """Give the place of the nearest text of each of the first groups, best first."""
    best_first = np.argsort(-np.maximum.reduceat(similarities, starts), kind="stable")[:count]
    ends = np.append(starts[1:], len(similarities))
    return [int(starts[group] + similarities[starts[group] : ends[group]].argmax()) for group in best_first]
