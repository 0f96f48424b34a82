"""One raw row of an input file, before anybody has judged its cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from indexer.complaint import Complaint, excerpt
from models.message import Message

MAX_FILE_BYTES: Final = 50_000_000
MAX_ROWS: Final = 1_048_576
"""Of a file, of all its sheets together; as many as Excel has in one."""
MAX_ROW_BYTES: Final = 10_000_000
"""Of the texts of one row in UTF-8."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row by column name, of a table without its blank cells.

    A cell is text in CSV, any JSON value in JSONL, and text, a number, a switch or Unreadable in a workbook.
    """

    number: int
    """The physical line where the row starts, as an editor shows it, or the row of the sheet as Excel shows it."""
    sheet: str | None = None
    """Where the row is from a workbook: the name of its sheet."""
    cells: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Header:
    """The columns of the rows that follow."""

    sheet: str | None = None
    number: int
    """Of its own row; 0 of a JSONL file, which has none."""
    columns: tuple[str, ...]
    """By position, "" where one has no name; one that has its name twice is complained about."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        return tuple(dict.fromkeys(name for name in self.columns if name))


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """A cell of a workbook whose value nobody knows: a formula never calculated, or one that failed."""

    problem: Message
    fix: Message


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What the person should know of how the file was read, and need not correct."""

    said: Complaint


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a row stands in its file."""

    sheet: str | None = None
    row: int

    @property
    def message(self) -> Message:
        """The place as it is said in a sentence: row 7 of sheet 'A'."""
        row = Message("row {row}", row=self.row)
        return row if self.sheet is None else Message("{row} of sheet {sheet}", row=row, sheet=excerpt(self.sheet))

    def __str__(self) -> str:
        """Give the message."""
        return self.message


Rows = Iterator[Header | Row | Complaint | Notice]


def too_long(file: str, number: int, sheet: str | None = None) -> Complaint:
    """Give the complaint about a row of more than MAX_ROW_BYTES."""
    problem = Message("has more than {megabytes} MB in one row", megabytes=MAX_ROW_BYTES // 1_000_000)
    fix = Message("shorten it, or close its quotes")
    return Complaint(file=file, sheet=sheet, row=number, problem=problem, fix=fix)
