"""CSV files as raw rows, whatever encoding and delimiter Excel has saved them with."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from indexer.columns import field_of
from indexer.complaint import Complaint
from indexer.row import MAX_ROW_BYTES, Notice, Rows, too_long
from indexer.table import HEADER_WITHIN, Table, TableRow, named_rows
from indexer.text_encoding import UTF_8, Encoding, find_encoding, lines_of
from models.message import Message

_DELIMITERS: Final = {
    ",": Message("commas"),
    ";": Message("semicolons"),
    "\t": Message("tabs"),
    "|": Message("bars"),
}
_RECOGNISED: Final = ",;\t"
_SEP_LINE: Final = re.compile(r'"?sep=([,;|\t])"?\s*', re.IGNORECASE)  # Excel's own, above the header
_SAMPLE_LINES: Final = 200
_SAMPLE_CHARACTERS: Final = 100_000


def csv_rows(file: str, content: bytes, chosen: Mapping[str, str]) -> Rows:
    """Read the rows of a .csv file, which is expected to have commas."""
    return _rows(file, content, chosen, usual=",")


def tsv_rows(file: str, content: bytes, chosen: Mapping[str, str]) -> Rows:
    """Read the rows of a .tsv file, which is expected to have tabs."""
    return _rows(file, content, chosen, usual="\t")


def _rows(file: str, content: bytes, chosen: Mapping[str, str], usual: str) -> Rows:
    encoding = find_encoding(file, content)
    if isinstance(encoding, Complaint):
        yield encoding
        return
    # The limit belongs to the whole process and is only ever raised: a cell of similar questions may be long.
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))
    first = next(lines_of(content, encoding), "")
    sep_line = _SEP_LINE.fullmatch(first)
    delimiter = sep_line[1] if sep_line else _find_delimiter(content, encoding, chosen, usual)
    table = Table(file=file, rows=_table_rows(file, content, encoding, delimiter, skipped=1 if sep_line else 0))
    yield from _unusual(file, encoding, delimiter, usual)
    yield from named_rows(table, chosen)


def _unusual(file: str, encoding: Encoding, delimiter: str, usual: str) -> Iterator[Notice]:
    if encoding is not UTF_8:
        fix = Message("read as {encoding}", encoding=encoding.name)
        yield Notice(said=Complaint(file=file, problem=Message("is not in UTF-8"), fix=fix))
    if delimiter != usual:
        problem = Message("has {delimiters} between its cells", delimiters=_DELIMITERS[delimiter])
        yield Notice(said=Complaint(file=file, problem=problem, fix=Message("read so")))


def _table_rows(
    file: str, content: bytes, encoding: Encoding, delimiter: str, skipped: int
) -> Iterator[TableRow | Complaint]:
    lines = _Lines(islice(lines_of(content, encoding), skipped, None))
    reader = csv.reader(lines, strict=True, delimiter=delimiter)
    while True:
        number = reader.line_num + 1 + skipped
        lines.quotes = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cut = lines.take_cut()
            said = too_long(file, number) if cut else _complaint(file, number, str(error))
            # The next line may well be the rest of a cell of this row.
            yield replace(said, hides_rows=lines.quotes % 2 == 1 or (cut and lines.quotes > 0))
            continue
        cut = lines.take_cut()
        if cut or _is_too_long(cells):
            yield replace(too_long(file, number), hides_rows=cut and lines.quotes > 0)
        elif any(blank_to_none := [cell if cell.strip() else None for cell in cells]):
            yield TableRow(number=number, cells=blank_to_none)


class _Lines:
    """Lines for the CSV reader, one that is too long cut: of fifty million commas it would make as many cells."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._cut = False
        self.quotes = 0
        """Quotes in the lines given since this was last set to 0."""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.quotes += line.count('"')
            if len(line) > MAX_ROW_BYTES:
                self._cut = True
                yield line[: MAX_ROW_BYTES // 10]
            else:
                yield line

    def take_cut(self) -> bool:
        """Say whether a line was cut since the last time this was asked."""
        cut, self._cut = self._cut, False
        return cut


def _find_delimiter(content: bytes, encoding: Encoding, chosen: Mapping[str, str], usual: str) -> str:
    """Give the delimiter that shows the most columns by names that are known, else the one that shows the most."""
    lines: list[str] = []
    characters = 0
    for line in islice(lines_of(content, encoding), _SAMPLE_LINES):
        characters += len(line)
        if characters > _SAMPLE_CHARACTERS and lines:
            break
        lines.append(line)
    candidates = [usual, *(delimiter for delimiter in _RECOGNISED if delimiter != usual)]
    tables = {delimiter: _sample(lines, delimiter) for delimiter in candidates}
    known = {delimiter: max((_known(row, chosen) for row in rows), default=0) for delimiter, rows in tables.items()}
    if any(known.values()):
        return max(candidates, key=lambda delimiter: known[delimiter])
    return max(candidates, key=lambda delimiter: len(next(iter(tables[delimiter]), ())))


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows = (cells for cells in csv.reader(lines, delimiter=delimiter) if any(cell.strip() for cell in cells))
    return list(islice(rows, HEADER_WITHIN))


def _known(cells: Sequence[str], chosen: Mapping[str, str]) -> int:
    wanted = set(chosen.values())
    return sum(cell.strip() in wanted or field_of(cell) is not None for cell in cells)


def _is_too_long(cells: Sequence[str]) -> bool:
    characters = sum(map(len, cells))
    return characters > MAX_ROW_BYTES // 4 and sum(len(cell.encode()) for cell in cells) > MAX_ROW_BYTES


def _complaint(file: str, number: int, error: str) -> Complaint:
    if error == "unexpected end of data":
        problem = Message("opens a quote that never closes")
        fix = Message('close it, and write a quote inside a cell as ""')
    else:
        problem = Message("is not CSV ({reason})", reason=error)
        fix = Message('put the whole cell in "quotes", and write a quote inside it as ""')
    return Complaint(file=file, row=number, problem=problem, fix=fix)
