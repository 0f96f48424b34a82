"""JSONL files as raw rows: one object a line; a line that is none comes as a complaint in its place."""

import json
from typing import Any, Final, NoReturn

from indexer.complaint import Complaint, excerpt
from indexer.row import MAX_ROW_BYTES, Row, Rows, too_long
from indexer.text_encoding import find_fault, lines_of
from models.message import Message

_ONE_OBJECT: Final = Message('write one object a line, as in {{"question": "...", "answer": "..."}}')


class _JsonError(ValueError):
    """JSON that says a thing twice, or a number that is none."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def jsonl_rows(file: str, content: bytes) -> Rows:
    """Read the rows of a JSONL file (UTF-8, with or without byte order mark)."""
    if undecodable := find_fault(file, content):
        yield undecodable
        return
    for number, line in enumerate(lines_of(content), start=1):
        if not line.isspace():
            yield _row(file, number, line)


def _row(file: str, number: int, line: str) -> Row | Complaint:
    if len(line) > MAX_ROW_BYTES or (len(line) > MAX_ROW_BYTES // 4 and len(line.encode()) > MAX_ROW_BYTES):
        return too_long(file, number)
    fix = _ONE_OBJECT
    try:
        cells = _JSON.decode(line)
    except json.JSONDecodeError as error:
        problem = Message("is not JSON ({reason}, at character {place})", reason=error.msg, place=error.pos + 1)
    except RecursionError:
        problem = Message("is nested too deeply")
    except ValueError as error:  # ours, and Python's own on a number of thousands of digits
        problem = Message("is not plain JSON ({reason})", reason=getattr(error, "message", str(error)))
        fix = Message("write each key once, and numbers that are finite")
    else:
        if isinstance(cells, dict):
            return Row(number=number, cells=cells)
        problem = Message("is JSON but no object")
    return Complaint(file=file, row=number, problem=problem, fix=fix)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for key, value in pairs:
        if key in cells:
            raise _JsonError(Message("the key {key} stands twice", key=excerpt(key)))
        cells[key] = value
    return cells


def _refuse_constant(name: str) -> NoReturn:
    raise _JsonError(Message("{name} is no JSON number", name=name))


_JSON = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
