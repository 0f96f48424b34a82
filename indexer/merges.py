"""Merged cells of a sheet: what a value that stands once says about the rows and columns it is merged over."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Merge(NamedTuple):
    """A range of merged cells: rows as Excel numbers them, columns from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


class Merges:
    """The merges of one sheet, asked row by row from the top.

    A value merged over several rows holds for each of them: a category over its questions, an answer that several
    questions share. One merged over several columns stands in the first of them only: nobody who merges a question
    over the answer beside it means that the two are the same.
    """

    def __init__(self, merges: Iterable[Merge] = ()) -> None:
        self._ahead = sorted(merges, reverse=True)
        self._open: dict[int, tuple[int, object]] = {}  # column: its last row, its value

    def fill_down(self, number: int, cells: list[object]) -> frozenset[int]:
        """Write into `cells` of row `number` what is merged into it from a row above; give the columns filled."""
        filled: set[int] = set()
        for column, (bottom, value) in list(self._open.items()):
            if bottom < number:
                del self._open[column]
                continue
            cells += [None] * (column + 1 - len(cells))
            if cells[column] is None:
                cells[column] = value
                filled.add(column)
        while self._ahead and self._ahead[-1].top <= number:
            merge = self._ahead.pop()
            if merge.top == number < merge.bottom and merge.left < len(cells):
                self._open[merge.left] = (merge.bottom, cells[merge.left])
        return frozenset(filled)


def header_cells(number: int, cells: Sequence[object], merges: Iterable[Merge]) -> tuple[list[object], int]:
    """Give the cells of the header in row `number`, each over all columns it is merged over, and its last row."""
    spread, last = list(cells), number
    done = 0
    for merge in sorted(merge for merge in merges if merge.top == number):
        if done <= merge.left < len(cells):
            done = merge.right + 1
            spread += [None] * (done - len(spread))
            spread[merge.left : done] = [cells[merge.left]] * (done - merge.left)
            last = max(last, merge.bottom)
    return spread, last
