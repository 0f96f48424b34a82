"""CSV and JSONL files as one stream of raw rows; a row that is broken as such comes as a complaint in its place."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from indexer.complaint import Complaint, excerpt
from indexer.errors import InputError

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row by column name: text from a CSV file (None where the cell is blank), any JSON value from a JSONL file.

    `number` is the physical line where the row starts, as an editor shows it.
    """

    number: int
    cells: Mapping[str, object]


Rows = Iterator[Row | Complaint]


def read_rows(path: Path) -> Rows:
    """Read a .csv, .jsonl, .ndjson or .json-lines file (UTF-8, with or without byte order mark) row by row.

    Raises InputError, at the first row asked for, where there is nothing to read: another suffix, no file, no rows.
    """
    parse = _FORMATS.get(path.suffix.lower())
    if parse is None:
        fix = f"give a file that ends in {', '.join(_FORMATS)}"
        raise InputError(Complaint(file=str(path), problem=f"has the unknown suffix {excerpt(path.suffix)}", fix=fix))
    content = _content(path)
    nothing = True
    for row in parse(path.name, content):
        nothing = False
        yield row
    if nothing:
        fix = "write one JSON object a line, or a CSV header and at least one row below it"
        raise InputError(Complaint(file=path.name, problem="holds no rows", fix=fix))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        problem = "does not exist"
    except IsADirectoryError:
        problem = "is a folder"
    except PermissionError:
        problem = "may not be read by this user"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    raise InputError(Complaint(file=str(path), problem=problem, fix="give the path of a readable file"))


def _csv_rows(file: str, content: bytes) -> Rows:
    if undecodable := _undecodable(file, content):
        yield undecodable
        return
    # The limit belongs to the whole process and is only ever raised: a cell of similar questions may be long.
    csv.field_size_limit(max(csv.field_size_limit(), len(content)))
    reader = csv.reader(_lines(content), strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _csv_complaint(file, number, str(error))
            if header is None:  # without it no cell below has a name
                return
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = [name.strip() for name in cells]
            if wrong := _wrong_header(file, number, header):
                yield wrong
                return
        else:
            yield _csv_row(file, number, header, cells)


def _csv_row(file: str, number: int, header: list[str], cells: list[str]) -> Row | Complaint:
    if len(cells) > len(header):
        # Even an empty cell too many: an answer that ends in an unquoted comma would silently lose it.
        problem = f"has {len(cells)} cells, the header has {len(header)}"
        return Complaint(file=file, row=number, problem=problem, fix='put a cell that holds a comma in "quotes"')
    cells += [""] * (len(header) - len(cells))
    for position, (name, cell) in enumerate(zip(header, cells, strict=True), start=1):
        if not name and cell.strip():
            problem = f"has {excerpt(cell)} in cell {position}, a column without a name"
            return Complaint(file=file, row=number, problem=problem, fix="name the column, or clear the cell")
    named = {name: cell if cell.strip() else None for name, cell in zip(header, cells, strict=True) if name}
    return Row(number=number, cells=named)


def _wrong_header(file: str, number: int, header: list[str]) -> Complaint | None:
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        problem = f"names the column {excerpt(twice)} twice"
        return Complaint(file=file, row=number, problem=problem, fix="rename one of the two")
    if len(header) == 1 and re.search(r"[;\t]", header[0]):
        problem = f"is a header of one column, {excerpt(header[0])}"
        return Complaint(file=file, row=number, problem=problem, fix="save the file with commas between the cells")
    return None


def _csv_complaint(file: str, number: int, error: str) -> Complaint:
    if error == "unexpected end of data":
        problem, fix = "opens a quote that never closes", 'close it, and write a quote inside a cell as ""'
    else:
        problem, fix = f"is not CSV ({error})", 'put the whole cell in "quotes", and write a quote inside it as ""'
    return Complaint(file=file, row=number, problem=problem, fix=fix)


def _jsonl_rows(file: str, content: bytes) -> Rows:
    if undecodable := _undecodable(file, content):
        yield undecodable
        return
    for number, line in enumerate(_lines(content), start=1):
        if not line.isspace():
            yield _jsonl_row(file, number, line)


def _jsonl_row(file: str, number: int, line: str) -> Row | Complaint:
    fix = 'write one object a line, as in {"question": "...", "answer": "..."}'
    try:
        cells = _JSON.decode(line)
    except json.JSONDecodeError as error:
        problem = f"is not JSON ({error.msg}, at character {error.pos + 1})"
    except RecursionError:
        problem = "is nested too deeply"
    except ValueError as error:  # ours, and Python's own on a number of thousands of digits
        problem, fix = f"is not plain JSON ({error})", "write each key once, and numbers that are finite"
    else:
        if isinstance(cells, dict):
            return Row(number=number, cells=cells)
        problem = "is JSON but no object"
    return Complaint(file=file, row=number, problem=problem, fix=fix)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    cells = dict(pairs)
    if len(cells) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {excerpt(next(key for key in keys if keys.count(key) > 1))} stands twice")
    return cells


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _undecodable(file: str, content: bytes) -> Complaint | None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        row = len(_LINE_END.findall(content, 0, error.start)) + 1
        problem = f"is not UTF-8 (byte 0x{content[error.start]:02x} at offset {error.start:,} of the file)"
        return Complaint(file=file, row=row, problem=problem, fix='save the file as UTF-8 (in Excel: "CSV UTF-8")')
    return None


def _lines(content: bytes) -> Iterator[str]:
    # newline="" ends a line at \n, \r\n or \r, but not at U+2028 and the like, which may stand inside a text.
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


_JSON = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)

_FORMATS: Mapping[str, Callable[[str, bytes], Rows]] = {
    ".csv": _csv_rows,
    ".jsonl": _jsonl_rows,
    ".ndjson": _jsonl_rows,
    ".json-lines": _jsonl_rows,
}
