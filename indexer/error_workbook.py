"""Marked rows as an Excel workbook: rejected rows coloured, a filter on what is wrong, and every text a text."""

import math
import re
from collections.abc import Sequence
from contextlib import closing
from typing import BinaryIO, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, NamedStyle, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from indexer.columns import field_of
from indexer.complaint import Complaint, excerpt
from indexer.errors import InputError
from indexer.marked_rows import MarkedFile, MarkedRow, MarkedSheet
from indexer.row import Unreadable
from indexer.table import COMMENT
from models.message import Message

_MAX_ROWS: Final = 1_048_576
_MAX_COLUMNS: Final = 16_384
_MAX_CELL: Final = 32_767
"""UTF-16 units of one cell: Excel cuts what is longer."""
_MOST_UNITS: Final = 7
"""Of one character, where it has to be escaped."""

_HEADER: Final = "faqmatch header"
_REJECTED: Final = "faqmatch rejected"
_AT_FAULT: Final = "faqmatch at fault"
_WIDTHS: Final = {"question": 44, "similar": 44, "answer": 60}
_OTHER_WIDTH: Final = 18
_ERROR_WIDTH: Final = 60

# What XML cannot hold, in the notation of the format, and what would be taken for that notation.
_UNFIT: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)|[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_NOT_IN_A_TITLE: Final = re.compile(r"[\\*?:/\[\]]")
_LONGEST_TITLE: Final = 31
_TITLES: Final = {"en": ("FAQ", "Correct this first"), "zh": ("问答", "请先改正")}


def write_error_workbook(file: str, stream: BinaryIO, marked: MarkedFile) -> None:
    """Write all sheets, each row in the row that it stood in; a sheet before them holds what is about no row.

    InputError where Excel could not show all of it: too many rows or columns, a text too long.
    """
    workbook = Workbook(write_only=True)
    _add_styles(workbook)
    title, first_title = _TITLES[marked.language]
    if marked.wrong:
        _write_first_sheet(workbook.create_sheet(first_title), marked.wrong)
    for sheet in marked.sheets:
        name = _NOT_IN_A_TITLE.sub("_", sheet.name or title)[:_LONGEST_TITLE]
        try:
            _SheetWriter(workbook.create_sheet(name), sheet).write()
        except _UnfitError as unfit:
            fix = Message("give a file that ends in .csv")
            raise InputError(Complaint(file=file, sheet=sheet.name, problem=unfit.problem, fix=fix)) from None
    workbook.save(stream)


def _add_styles(workbook: Workbook) -> None:
    top = Alignment(wrap_text=True, vertical="top")
    workbook.add_named_style(NamedStyle(_HEADER, font=Font(bold=True)))
    for name, colour in ((_REJECTED, "FFF2CC"), (_AT_FAULT, "F8CBAD")):
        workbook.add_named_style(NamedStyle(name, fill=PatternFill("solid", start_color=colour), alignment=top))


class _UnfitError(Exception):
    def __init__(self, problem: Message) -> None:
        super().__init__(problem)
        self.problem = problem


def _write_first_sheet(sheet: WriteOnlyWorksheet, wrong: Sequence[str]) -> None:
    sheet.column_dimensions["A"].width = 2 * _ERROR_WIDTH
    with closing(sheet):
        for line in wrong:
            # The mark in each line: where the first is deleted, this must still be no sheet to be read.
            sheet.append([_cell(sheet, _cut(f"{COMMENT}{line}"), _REJECTED)])


class _SheetWriter:
    def __init__(self, sheet: WriteOnlyWorksheet, marked: MarkedSheet) -> None:
        self._sheet = sheet
        self._marked = marked
        self._written = 0

    def write(self) -> None:
        """Write the whole sheet."""
        sheet, marked = self._sheet, self._marked
        header = max(1, marked.header)
        names = [*marked.columns, marked.error_column]
        if len(names) > _MAX_COLUMNS:
            problem = Message("has {columns:,} columns, Excel takes {limit:,}", columns=len(names), limit=_MAX_COLUMNS)
            raise _UnfitError(problem)
        last = get_column_letter(len(names))
        for position, name in enumerate(marked.columns, start=1):
            width = _WIDTHS.get(field_of(name) or "", _OTHER_WIDTH)
            sheet.column_dimensions[get_column_letter(position)].width = width
        sheet.column_dimensions[last].width = _ERROR_WIDTH
        sheet.freeze_panes = f"A{header + 1}"
        with closing(sheet):  # also where it is refused on the way
            self._append(header, [_cell(sheet, name, _HEADER) for name in names])
            for row in marked.rows():
                self._append(row.number, self._cells(row))
            sheet.auto_filter.ref = f"A{header}:{last}{self._written}"

    def _append(self, number: int, cells: Sequence[object]) -> None:
        """Append the row as number `number`, or as the next where there are as many before it."""
        number = max(number, self._written + 1)
        if number > _MAX_ROWS:
            raise _UnfitError(Message("has a row {number:,}, Excel takes {limit:,}", number=number, limit=_MAX_ROWS))
        for _ in range(self._written + 1, number):
            self._sheet.append([])
        self._sheet.append(cells)
        self._written = number

    def _cells(self, row: MarkedRow) -> list[object]:
        columns = self._marked.columns
        values = [_fitting(name, row.number, value) for name, value in zip(columns, row.cells, strict=False)]
        if not row.wrong:
            return [_cell(self._sheet, value) for value in values]
        values += [None] * (len(columns) - len(values))
        cells = [
            _cell(self._sheet, value, _AT_FAULT if name in row.wrong_columns else _REJECTED)
            for name, value in zip(columns, values, strict=True)
        ]
        return [*cells, _cell(self._sheet, _cut("\n".join(row.wrong)), _AT_FAULT)]


def _cell(sheet: WriteOnlyWorksheet, value: object, style: str | None = None) -> object:
    """Give the cell of a value; where the library makes the same of the value alone, that, in half the time."""
    if value is None or isinstance(value, bool):
        written: object = value
        kind = None
    else:
        written = text = _text(value)
        kind = _kind(value)
        if kind == "s" and not text.startswith(("=", "#")):
            kind = None
    if kind is None and style is None:
        return written
    cell = WriteOnlyCell(sheet, value=written)
    if kind is not None:
        cell.data_type = kind  # by itself the library takes = for a formula, and writes 16 digits of a number
    if style is not None:
        cell.style = style
    return cell


def _text(value: object) -> str:
    if isinstance(value, Unreadable):
        return "#N/A"  # refused again, where a blank cell would be taken for the corrected one
    return repr(value) if isinstance(value, int | float) else _escaped(str(value))


def _kind(value: object) -> str:
    """Give what the format calls the type of a value: e, an error, n, a number, or s, a string."""
    if isinstance(value, Unreadable):
        return "e"
    return "n" if isinstance(value, int | float) and _is_exact(value) else "s"


def _fitting(column: str, row: int, value: object) -> object:
    units = _units(value) if isinstance(value, str) and len(value) > _MAX_CELL // _MOST_UNITS else 0
    if units > _MAX_CELL:
        problem = Message(
            "has {units:,} characters in row {row}, column {column}, Excel takes {limit:,}",
            units=units,
            row=row,
            column=excerpt(column),
            limit=_MAX_CELL,
        )
        raise _UnfitError(problem)
    return value


def _units(text: str) -> int:
    return len(_escaped(text).encode("utf-16-le")) // 2


def _cut(text: str) -> str:
    return text if _units(text) <= _MAX_CELL else f"{text[: _MAX_CELL // _MOST_UNITS]}…"


def _is_exact(number: float) -> bool:
    """Say whether Excel, whose numbers are all of double precision, keeps the number as it is."""
    try:
        return math.isfinite(number) and float(number) == number
    except OverflowError:
        return False


def _escaped(text: str) -> str:
    return _UNFIT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    is_half = "\ud800" <= character <= "\udfff"  # nothing can hold it: its row is rejected, and shows it so
    return f"\\u{ord(character):04x}" if is_half else f"_x{ord(character):04X}_"
