"""Marked rows as a CSV file: UTF-8 with a byte order mark, which Excel needs, and commas.

Cells are written to the letter, also those that Excel takes for a formula because they begin with =, +, - or @: an
apostrophe before them would become part of the question or answer when the file is read again. What we write of our
own never begins so. In a workbook such a cell is a text like any other.
"""

import csv
import io
import re
from typing import BinaryIO, Final, TextIO

from indexer.complaint import Complaint
from indexer.errors import InputError
from indexer.marked_rows import MarkedFile, MarkedSheet
from indexer.row import Unreadable
from indexer.table import COMMENT
from models.message import Message

_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def write_error_csv(file: str, stream: BinaryIO, marked: MarkedFile) -> None:
    """Write the one sheet there is; InputError where there are several.

    Each row stands in the line that it stood in, unless lines above the header or its own cells take more than before.
    """
    if len(marked.sheets) > 1:
        problem = Message("is a .csv file, which cannot hold {sheets:,} sheets", sheets=len(marked.sheets))
        raise InputError(Complaint(file=file, problem=problem, fix=Message("give a file that ends in .xlsx")))
    # Half a character has no UTF-8: its row is rejected, and shows it escaped.
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="backslashreplace", newline="")
    for sheet in marked.sheets:
        _write_sheet(_Lines(text), marked.wrong, sheet)
    text.flush()
    text.detach()


class _Lines:
    """Takes what the CSV writer writes, and counts its lines as the reader does."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._count = 0

    def write(self, text: str) -> None:
        self._count += len(_LINE_END.findall(text))
        self._stream.write(text)

    def blank_until(self, number: int) -> None:
        """Write blank lines, which are not read, until the next line is `number`."""
        self.write("\r\n" * (number - 1 - self._count))


def _write_sheet(lines: _Lines, wrong: tuple[str, ...], sheet: MarkedSheet) -> None:
    writer = csv.writer(lines)
    for line in wrong:
        writer.writerow([f"{COMMENT}{line}"])
    lines.blank_until(sheet.header)
    writer.writerow([*sheet.columns, sheet.error_column])
    for row in sheet.rows():
        lines.blank_until(row.number)
        missing = [""] * (len(sheet.columns) - len(row.cells))
        writer.writerow([*map(_text, row.cells), *missing, "; ".join(row.wrong)])


def _text(cell: object) -> str:
    if cell is None or isinstance(cell, Unreadable):
        return ""
    return str(cell)
