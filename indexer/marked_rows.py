"""The rows of a file on their way back to who wrote it: each with its cells by position, and what is wrong with it."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge

from indexer.columns import ERROR_COLUMNS, field_of
from indexer.complaint import Complaint
from indexer.entries import Reading
from indexer.row import Place, Row
from indexer.sheets import Sheet
from models.message import Message, printable

Translate = Callable[[Message], str]

_SEPARATORS: Mapping[str | None, str] = {"similar": "||", "tags": ","}


@dataclass(frozen=True, kw_only=True)
class MarkedRow:
    """One row as it was read, good or not."""

    number: int
    """Of the file or sheet that was read."""
    cells: Sequence[object]
    """By position, without the error column: text, a number, a switch, Unreadable, or None where one is blank."""
    wrong: Sequence[str]
    """What is wrong, a line each; empty for a good row."""
    wrong_columns: frozenset[str]
    """The names of the columns that these lines are about."""


@dataclass(frozen=True, kw_only=True)
class MarkedSheet:
    """One sheet, with a column for what is wrong behind its last."""

    sheet: Sheet
    columns: tuple[str, ...]
    """By position, "" where one has no name; as many as the widest row has cells."""
    language: str
    """Of the names of the columns, en or zh."""
    complaints: Mapping[int, Sequence[Complaint]]
    """By the number of the row below the header."""
    translate: Translate

    @property
    def name(self) -> str | None:
        """The name of the sheet; None of a file that has none."""
        return self.sheet.name

    @property
    def header(self) -> int:
        """The number of the row of the header; 0 where there was none."""
        return self.sheet.header.number

    @property
    def error_column(self) -> str:
        """The name of the column for what is wrong."""
        return ERROR_COLUMNS[self.language]

    def rows(self) -> Iterator[MarkedRow]:
        """Give every row below the header in the order of the file."""
        read = ((row.number, self._cells(row)) for row in self.sheet.rows)
        numbers = {row.number for row in self.sheet.rows}
        broken = (
            (number, _broken_cells(complaints, self.sheet))
            for number, complaints in sorted(self.complaints.items())
            if number not in numbers
        )
        for number, cells in merge(read, broken, key=lambda row: row[0]):
            complaints = self.complaints.get(number, ())
            yield MarkedRow(
                number=number,
                cells=cells,
                wrong=[_told(complaint, self.translate) for complaint in complaints],
                wrong_columns=frozenset(complaint.column for complaint in complaints if complaint.column),
            )

    def _cells(self, row: Row) -> Sequence[object]:
        return [_as_cell(name, row.cells.get(name)) if name else None for name in self.columns]


@dataclass(frozen=True, kw_only=True)
class MarkedFile:
    """All that was read of a file."""

    sheets: tuple[MarkedSheet, ...]
    wrong: tuple[str, ...]
    """What is wrong with the file or a sheet as such, a line each."""
    translate: Translate

    @property
    def language(self) -> str:
        """Of the names of the columns, en or zh."""
        return max((sheet.language for sheet in self.sheets), default="en")


def mark_rows(reading: Reading, translate: Translate) -> MarkedFile:
    """Give what was read with the complaints about it, in the words that `translate` makes of them."""
    by_sheet: defaultdict[str | None, defaultdict[int, list[Complaint]]] = defaultdict(lambda: defaultdict(list))
    headers = {sheet.name: sheet.header.number for sheet in reading.sheets}
    others: list[Complaint] = []
    for complaint in reading.complaints:
        header = headers.get(complaint.sheet)
        if header is None or complaint.row is None or complaint.row <= header:
            others.append(complaint)
        else:
            by_sheet[complaint.sheet][complaint.row].append(complaint)
    return MarkedFile(
        sheets=tuple(_mark(sheet, by_sheet[sheet.name], translate) for sheet in reading.sheets),
        wrong=tuple(printable(translate(complaint.message)) for complaint in others),
        translate=translate,
    )


def _mark(sheet: Sheet, complaints: Mapping[int, Sequence[Complaint]], translate: Translate) -> MarkedSheet:
    named = [name if name not in ERROR_COLUMNS.values() else "" for name in sheet.header.columns]
    widest = max((len(_broken_cells(said, sheet)) for said in complaints.values()), default=0)
    used = max((position + 1 for position, name in enumerate(named) if name), default=0)
    columns = (named + [""] * widest)[: max(widest, used)]
    return MarkedSheet(
        sheet=sheet,
        columns=tuple(columns),
        language="zh" if any(_is_chinese(name) for name in columns) else "en",
        complaints=complaints,
        translate=translate,
    )


def _told(complaint: Complaint, translate: Translate) -> str:
    assert complaint.row is not None
    place = Place(row=complaint.row).message
    if complaint.column is not None:
        place = Message("{place}, column {column}", place=place, column=printable(complaint.column))
    said = Message("{place}: {problem}: {fix}", place=place, problem=complaint.problem, fix=complaint.fix)
    return printable(translate(said))


def _broken_cells(complaints: Iterable[Complaint], sheet: Sheet) -> Sequence[object]:
    """Give the cells of a row that is broken as such, none where they are not known."""
    cells = list(next((complaint.cells for complaint in complaints if complaint.cells), ()))
    for position, name in enumerate(sheet.header.columns[: len(cells)]):
        if name in ERROR_COLUMNS.values():
            cells[position] = None
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _as_cell(name: str, value: object) -> object:
    """Give a value of JSONL as it stands in a table: a list as the reader of tables takes it apart, others as JSON."""
    if not isinstance(value, list | dict):
        return value
    separator = _SEPARATORS.get(field_of(name))
    if separator is not None and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return separator.join(value)
    return json.dumps(value, ensure_ascii=False)


def _is_chinese(name: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in name)
