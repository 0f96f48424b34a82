"""What is wrong at one place of an input file, in words for the person who wrote the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from models.message import Message, joined, printable

_EXCERPT_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One problem and its way out. A notice has the same form: there `fix` says what was done about it.

    `row` is the physical line where the row starts, as an editor shows it, or in a workbook the row of `sheet`, as
    Excel shows it; None where the whole file or sheet is meant.
    """

    file: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    problem: Message
    fix: Message
    cells: Sequence[object] = field(default=(), compare=False, repr=False)
    """Of a row that is broken as such, as far as they are known: raw, by position, None where one is blank."""
    hides_rows: bool = False
    """True where rows of the file or sheet were not read because of it, or not told apart for certain."""

    @property
    def message(self) -> Message:
        """One printable line, whatever the file holds: `faq.csv, row 7, column answer: is empty: write one`."""
        return Message("{place}: {problem}: {fix}", place=self._place(), problem=self.problem, fix=self.fix)

    def __str__(self) -> str:
        """Give the message."""
        return printable(self.message)

    def _place(self) -> Message:
        place = Message("{file}", file=printable(self.file))
        if self.sheet is not None:
            place = Message("{place}, sheet {sheet}", place=place, sheet=printable(self.sheet))
        if self.row is not None:
            place = Message("{place}, row {row}", place=place, row=self.row)
        if self.column is not None:
            place = Message("{place}, column {column}", place=place, column=printable(self.column))
        return place


def excerpt(text: str) -> str:
    """Give `text` quoted, escaped and cut to a length that leaves the message readable."""
    return repr(text if len(text) <= _EXCERPT_CHARACTERS else text[: _EXCERPT_CHARACTERS - 1] + "…")


def either(names: Iterable[str]) -> Message:
    """Give the names with an `or` between them."""
    return joined([Message("{name}", name=name) for name in names], Message(" or "))
