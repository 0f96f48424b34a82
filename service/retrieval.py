"""From the vector of a query to candidates: the nearest phrasings, folded to their entries."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.dense import VectorIndex
from models.types import Vectors

_FIRST_SEARCH: Final = 32
"""Rows asked for at first; doubled until enough entries are in hand."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An entry that was brought back; it stands as the phrasing that is nearest to the query."""

    entry: int
    """Position among the version's entries."""
    row: int
    """Of the index: the phrasing."""
    similarity: float
    affinity: float | None = None


def retrieve(
    index: VectorIndex,
    entry_of_row: NDArray[np.int64],
    vector: Vectors,
    wanted: int,
    allowed_rows: NDArray[np.bool_] | None = None,
) -> list[Candidate]:
    """Fold the phrasings nearest to `vector`, (1, dim), to entries, best first, until `wanted` are in hand.

    Only rows where `allowed_rows`, (rows,), is true count; None = all.
    """
    available = len(entry_of_row) if allowed_rows is None else int(allowed_rows.sum())
    count = min(max(_FIRST_SEARCH, 2 * wanted), available)
    while count:
        similarities, rows = index.search(vector, count, allowed_rows)
        folded: dict[int, Candidate] = {}
        for row, similarity in zip(rows[0].tolist(), similarities[0].tolist(), strict=True):
            if row >= 0:
                entry = int(entry_of_row[row])
                folded.setdefault(entry, Candidate(entry=entry, row=row, similarity=similarity))
        if len(folded) >= wanted or count == available:
            return list(folded.values())[:wanted]
        count = min(2 * count, available)
    return []
