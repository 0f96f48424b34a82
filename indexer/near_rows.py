"""Pairs of rows that are nearer than a limit: every one of them, by matrix products in bounded memory.

Most pairs are seen to be far apart without a product of all their numbers. In a few orthogonal directions, best those
in which the rows differ most, a row is u = p + r and another v = q + s, so that by Cauchy and Schwarz
u·v = p·q + r·s <= p·q + |r||s|: a product of short rows, with the length of the rest as one number more, is a bound.
Only pairs whose bound is above the limit are measured. Where these are many, as with texts that are all alike, the
product of whole rows takes the place of the bound.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.types import Vectors

PAIR: Final = np.dtype([("similarity", np.float64), ("lower", np.int64), ("upper", np.int64)])
"""Two rows, `lower` < `upper`, and their cosine to six decimals: what lies beyond is rounding, which may not decide
between equal texts."""

_DECIMALS: Final = 6
_DIRECTIONS: Final = 64
_SAMPLE: Final = 4_096  # rows that the directions are chosen by
_OTHERS_AT_ONCE: Final = 4_096
_PAIRS_AT_ONCE: Final = 8_192
_FEW: Final = 1 / 256  # share of the pairs above which measuring them costs more than the product of whole rows
_ROUNDING: Final = 1e-5  # of a product in float32 of two vectors of unit norm, at most
_REST_ROUNDING: Final = 1e-6  # of the squared length of a rest, at most


class NearRows:
    """Rows with their short forms, 260 bytes each. A search takes up to 60 MB more (dim 384), however many are near."""

    def __init__(self, vectors: Vectors, groups: NDArray[np.int64]) -> None:
        """Take `vectors`, (n, dim) of unit norm, and `groups`, (n,): two rows of one group are no pair."""
        sample = vectors[:: max(1, len(vectors) // _SAMPLE)].astype(np.float64)
        _, directions = np.linalg.eigh(sample.T @ sample)  # the strongest stand last
        leading = vectors @ directions[:, -_DIRECTIONS:].astype(np.float32)
        rest = 1 - np.einsum("nd,nd->n", leading, leading, dtype=np.float64)
        self._short = np.column_stack([leading, np.sqrt(rest.clip(0) + _REST_ROUNDING).astype(np.float32)])
        self._vectors = vectors
        self._groups = groups

    def pairs(
        self, rows: NDArray[np.int64], others: NDArray[np.int64], least: Callable[[], float]
    ) -> Iterator[NDArray[np.void]]:
        """Give the pairs of one of `rows`, up to 512, and one of `others` whose similarity is above `least()`.

        They come as arrays of PAIR. The limit is asked for again and again: it may rise meanwhile. Where two of `rows`
        are among `others` too, their pair is given twice.
        """
        for begin in range(0, len(others), _OTHERS_AT_ONCE):
            limit = least()
            if limit >= 1:
                return
            part = others[begin : begin + _OTHERS_AT_ONCE]
            near = np.flatnonzero(self._may_be_near(rows, part, limit))
            for start in range(0, len(near), _PAIRS_AT_ONCE):
                row, other = np.divmod(near[start : start + _PAIRS_AT_ONCE], len(part))
                pairs = self._measure(rows[row], part[other])
                yield pairs[pairs["similarity"] > limit]

    def _may_be_near(self, rows: NDArray[np.int64], others: NDArray[np.int64], limit: float) -> NDArray[np.bool_]:
        """Give (rows, others): false where the similarity is not above the limit."""
        limit -= _ROUNDING
        near: NDArray[np.bool_] = self._short[rows] @ self._short[others].T > limit
        if np.count_nonzero(near) > near.size * _FEW:
            near = self._vectors[rows] @ self._vectors[others].T > limit
        return near

    def _measure(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.void]:
        """Give the pairs of different groups. A matrix product's last digits depend on what else is in the matrix."""
        apart = self._groups[rows] != self._groups[others]
        rows, others = rows[apart], others[apart]
        pairs = np.empty(len(rows), PAIR)
        products = np.einsum("nd,nd->n", self._vectors[rows], self._vectors[others], dtype=np.float64)
        pairs["similarity"] = products.clip(-1, 1).round(_DECIMALS)
        pairs["lower"], pairs["upper"] = np.minimum(rows, others), np.maximum(rows, others)
        return pairs
