"""Entries that nearly say the same: pairs of which one phrasing of each is very near to one of the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.entry import Entry
from indexer.near_rows import PAIR, NearRows
from indexer.version import Phrasing
from models.types import Vectors

NEAR_DUPLICATE: Final = 0.95
"""Similarity above which two phrasings nearly say the same."""
MAX_PHRASINGS_COMPARED: Final = 50_000
"""Phrasings that one comparison looks from, at most."""
MAX_PAIRS: Final = 10_000
"""Pairs of entries that are given, at most: as many as are ever read, and a bound on memory where all are alike."""

_ROWS_AT_ONCE: Final = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class IndexedPhrasings:
    """What a version was built of, and where it differs from the version before."""

    entries: Sequence[Entry]
    phrasings: Sequence[Phrasing]
    """All of them, in the order of the entries."""
    vectors: Vectors
    """(phrasings, dim), of unit norm."""
    changed: Sequence[int]
    """Positions of the entries that are new or not what they were."""


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

    pairs: tuple[NearDuplicate, ...] = ()
    """One for each pair of entries, by descending similarity, then in the order of the entries."""
    has_more: bool = False
    """Whether more than MAX_PAIRS were found; none of those left out is nearer than the last of `pairs`."""
    phrasings_left_out: int = 0
    """Beyond MAX_PHRASINGS_COMPARED, in the order of the entries: nothing was looked for from them."""


def find_near_duplicates(
    indexed: IndexedPhrasings, on_progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """Compare each phrasing of the changed entries with all phrasings of other entries: every pair is found.

    `on_progress(done, total)` counts phrasings looked from. Entries that are not enabled are reported all the same.
    """
    report = on_progress or _silent
    entry_of_row = np.fromiter((phrasing.entry for phrasing in indexed.phrasings), np.int64, len(indexed.phrasings))
    changed = np.flatnonzero(np.isin(entry_of_row, indexed.changed))
    compared = changed[:MAX_PHRASINGS_COMPARED]
    # Whatever was looked from is not looked at again.
    others = np.concatenate([compared, np.setdiff1d(np.arange(len(entry_of_row)), compared)])
    report(0, len(compared))
    near_rows, nearest = NearRows(indexed.vectors, entry_of_row), _Nearest(entry_of_row)
    for begin in range(0, len(compared), _ROWS_AT_ONCE):
        block = compared[begin : begin + _ROWS_AT_ONCE]
        for pairs in near_rows.pairs(block, others[begin:], nearest.least):
            nearest.add(pairs)
        report(begin + len(block), len(compared))
    return Comparison(
        pairs=tuple(_name(indexed, *pair) for pair in nearest.pairs.tolist()),
        has_more=nearest.has_more,
        phrasings_left_out=len(changed) - len(compared),
    )


class _Nearest:
    """The nearest pairs of entries so far, at most MAX_PAIRS, each by its nearest rows."""

    def __init__(self, entry_of_row: NDArray[np.int64]) -> None:
        self.pairs = np.empty(0, PAIR)
        self.has_more = False
        self._entry_of_row = entry_of_row

    def least(self) -> float:
        """Give the similarity above which pairs are still wanted: among equally near ones the first found stay."""
        return float(self.pairs["similarity"][-1]) if self.has_more else NEAR_DUPLICATE

    def add(self, pairs: NDArray[np.void]) -> None:
        if len(pairs):
            folded = _fold(np.concatenate([self.pairs, pairs]), self._entry_of_row)
            self.has_more = self.has_more or len(folded) > MAX_PAIRS
            self.pairs = folded[:MAX_PAIRS]


def _fold(pairs: NDArray[np.void], entry_of_row: NDArray[np.int64]) -> NDArray[np.void]:
    """Give the nearest rows of each pair of entries, by descending similarity, then in the order of the entries."""
    lower, upper = pairs["lower"], pairs["upper"]
    first, second = entry_of_row[lower], entry_of_row[upper]
    order = np.lexsort((upper, lower, second, first, -pairs["similarity"]))
    _, best = np.unique((first * len(entry_of_row) + second)[order], return_index=True)
    return pairs[order[np.sort(best)]]


def _name(indexed: IndexedPhrasings, similarity: float, first_row: int, second_row: int) -> NearDuplicate:
    first, second = indexed.phrasings[first_row], indexed.phrasings[second_row]
    return NearDuplicate(
        first=indexed.entries[first.entry].id,
        second=indexed.entries[second.entry].id,
        first_phrasing=indexed.entries[first.entry].phrasings[first.phrasing],
        second_phrasing=indexed.entries[second.entry].phrasings[second.phrasing],
        similarity=similarity,
    )


def _silent(_done: int, _total: int) -> None:
    """Report to nobody."""
