"""Entries that nearly say the same: pairs of which one phrasing of each is very near to one of the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.dense import VectorIndex
from indexer.version import Version
from models.types import Vectors

NEAR_DUPLICATE: Final = 0.95
"""Similarity above which two phrasings nearly say the same."""
MAX_PHRASINGS_COMPARED: Final = 50_000
"""Phrasings that one reindex looks from, at most."""
MAX_PAIRS: Final = 10_000
"""Pairs of entries that are given, at most: as many as are ever read, and a bound on memory where all are alike."""

_NEIGHBOURS: Final = 32
_QUERIES_AT_ONCE: Final = 512
_DECIMALS: Final = 6  # of a similarity: what lies beyond is rounding, which may not decide between equal texts
_ROUNDING: Final = 1e-5  # between the similarity that the index gives and the one computed here
_HIT: Final = np.dtype([("similarity", np.float64), ("lower", np.int64), ("upper", np.int64)])
"""Two rows of the index: `lower` < `upper`, as are the entries that they belong to."""


@dataclass(frozen=True, kw_only=True)
class NearDuplicate:
    """Two entries by id, in the order of the entries, and their two nearest phrasings as they are written there."""

    first: str
    second: str
    first_phrasing: str
    second_phrasing: str
    similarity: float
    """Of the two phrasings, to six decimals: above NEAR_DUPLICATE, at most 1."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The near-duplicates that were found, and what the bounds left out."""

    pairs: tuple[NearDuplicate, ...]
    """One for each pair of entries, by descending similarity, then in the order of the entries."""
    has_more: bool
    """Whether more than MAX_PAIRS were found; none of those left out is nearer than the last of `pairs`."""
    phrasings_left_out: int
    """Beyond MAX_PHRASINGS_COMPARED, in the order of the entries: nothing was looked for from them."""


def find_near_duplicates(
    version: Version,
    vectors: Vectors,
    changed: Sequence[int],
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Look from each phrasing of the `changed` entries, given by position, at all rows of the index.

    `vectors` are the rows of the index, (phrasings, dim); `on_progress(done, total)` counts phrasings looked from.
    What is found is what the index finds (IndexSpec.recall_at_10) among the 32 nearest rows of a phrasing. Rows of its
    own entry are among these and left out: where 32 of them are nearer than the other entry, that is not found from
    there. Entries that are not enabled are reported all the same.
    """
    entry_of_row = version.entry_of_row
    rows = np.flatnonzero(np.isin(entry_of_row, changed))
    compared = rows[:MAX_PHRASINGS_COMPARED]
    nearest, has_more = np.empty(0, _HIT), False
    for hits in _look_from(compared, version.index, vectors, entry_of_row, on_progress or _silent):
        nearest = _fold(np.concatenate([nearest, hits]), entry_of_row)
        has_more = has_more or len(nearest) > MAX_PAIRS
        nearest = nearest[:MAX_PAIRS]
    return Comparison(
        pairs=tuple(_name(version, *hit) for hit in nearest.tolist()),
        has_more=has_more,
        phrasings_left_out=len(rows) - len(compared),
    )


def _look_from(
    rows: NDArray[np.int64],
    index: VectorIndex,
    vectors: Vectors,
    entry_of_row: NDArray[np.int64],
    report: Callable[[int, int], None],
) -> Iterator[NDArray[np.void]]:
    """Give the hits of `rows` in other entries, so many queries at a time that memory stays bounded."""
    report(0, len(rows))
    for begin in range(0, len(rows), _QUERIES_AT_ONCE):
        queries = rows[begin : begin + _QUERIES_AT_ONCE]
        found = index.search(vectors[queries], _NEIGHBOURS)
        near = found.similarities > NEAR_DUPLICATE - _ROUNDING  # a missing row, -1, has similarity -1
        near &= entry_of_row[found.rows] != entry_of_row[queries, np.newaxis]
        yield _measure(queries[np.nonzero(near)[0]], found.rows[near], vectors)
        report(begin + len(queries), len(rows))


def _measure(rows: NDArray[np.int64], others: NDArray[np.int64], vectors: Vectors) -> NDArray[np.void]:
    """Compute similarities anew: the index's own differ in the last digits by direction and by number of queries."""
    hits = np.empty(len(rows), _HIT)
    products = np.einsum("nd,nd->n", vectors[rows], vectors[others], dtype=np.float64)
    hits["similarity"] = products.clip(-1, 1).round(_DECIMALS)
    hits["lower"], hits["upper"] = np.minimum(rows, others), np.maximum(rows, others)
    return hits[hits["similarity"] > NEAR_DUPLICATE]


def _fold(hits: NDArray[np.void], entry_of_row: NDArray[np.int64]) -> NDArray[np.void]:
    """Give the nearest hit of each pair of entries, by descending similarity, then in the order of the entries."""
    lower, upper = hits["lower"], hits["upper"]
    first, second = entry_of_row[lower], entry_of_row[upper]
    order = np.lexsort((upper, lower, second, first, -hits["similarity"]))
    _, best = np.unique((first * len(entry_of_row) + second)[order], return_index=True)
    return hits[order[np.sort(best)]]


def _name(version: Version, similarity: float, first_row: int, second_row: int) -> NearDuplicate:
    first, second = version.phrasings[first_row], version.phrasings[second_row]
    entries = version.entries
    return NearDuplicate(
        first=entries[first.entry].id,
        second=entries[second.entry].id,
        first_phrasing=entries[first.entry].phrasings[first.phrasing],
        second_phrasing=entries[second.entry].phrasings[second.phrasing],
        similarity=similarity,
    )


def _silent(_done: int, _total: int) -> None:
    """Report to nobody."""
