"""One raw cell to one value of an entry.

Each `parse_*` takes a cell as `rows` gives it (text or any JSON value, None where it is absent),
gives the value, and raises CellError where there is none.
"""

import json
import re
import unicodedata
from datetime import datetime
from typing import Any

from indexer.complaint import excerpt
from indexer.entry import (
    MAX_ANSWER_CHARACTERS,
    MAX_ID_CHARACTERS,
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    MAX_PHRASING_CHARACTERS,
    MAX_TAG_CHARACTERS,
    in_utc,
)
from indexer.row import Unreadable

_BETWEEN_PHRASINGS = re.compile(r"\|\||[\r\n]")
_BETWEEN_TAGS = re.compile(r"[,，;；|]")
_SWITCH = {
    **dict.fromkeys(("true", "yes", "1", "是", "启用"), True),
    **dict.fromkeys(("false", "no", "0", "否", "停用"), False),
}
# What spreadsheets write besides ISO 8601: slashes, and months, days and hours of one digit.
_LOOSE_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ]+(\d{1,2})(:.*))?", re.ASCII)
_CONTROL = {"Cc", "Zl", "Zp"}
_LARGEST_EXACT = 2**53


class CellError(ValueError):
    """A cell holds no value of its field: what is wrong, and the way out. Never leaves this floor."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem, fix)
        self.problem = problem
        self.fix = fix


def readable(cell: object) -> object:
    """Give the cell back; CellError for one of a workbook whose value nobody knows."""
    if isinstance(cell, Unreadable):
        raise CellError(cell.problem, cell.fix)
    return cell


def as_text(cell: object) -> object:
    """Give what a cell of a workbook says where a text is asked for: a whole number by its digits, 404 as "404".

    CellError for other numbers: what they look like (10 %, 1/2, 3.50) is in their format, which is not read.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if abs(cell) > _LARGEST_EXACT:
            raise CellError(f"is {_shown(cell)}, of which Excel keeps 15 digits", "write it as text (format: Text)")
        if isinstance(cell, float):
            raise CellError(f"is {_shown(cell)}, whose format is not read", "write it as text (format: Text)")
        return str(cell)
    return cell


def parse_id(cell: object) -> str | None:
    """Give the id exactly as it stands, None where there is none."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if cell is None:
        return None
    identifier = _text(cell, "write text or a whole number")
    if not identifier.strip():
        return None
    if not identifier.isprintable() and any(unicodedata.category(c) in _CONTROL for c in identifier):
        raise CellError(f"holds a control character in {excerpt(identifier)}", "take it out")
    return _limited(identifier, MAX_ID_CHARACTERS)


def parse_question(cell: object) -> str:
    """Give the standard question, stripped."""
    question = "" if cell is None else _text(cell, "write a question").strip()
    if not question:
        raise CellError("is empty", "write a question, or take the row out")
    return _limited(question, MAX_PHRASING_CHARACTERS)


def parse_similar(cell: object) -> tuple[str, ...]:
    """Give the other phrasings, stripped, without blanks: a list, or text split at `||` and line ends."""
    phrasings = _texts(cell, _BETWEEN_PHRASINGS, "write a list of questions")
    return tuple(_limited(phrasing, MAX_PHRASING_CHARACTERS) for phrasing in phrasings)


def parse_answer(cell: object) -> str | None:
    """Give the answer verbatim, None where it is blank."""
    answer = "" if cell is None else _text(cell, "write the answer as text")
    return _limited(answer, MAX_ANSWER_CHARACTERS) if answer.strip() else None


def parse_required_answer(cell: object) -> str:
    """Do as `parse_answer`, but refuse a blank answer."""
    answer = parse_answer(cell)
    if answer is None:
        raise CellError("is empty", "write an answer, or index with --allow-empty-answer")
    return answer


def parse_tags(cell: object) -> tuple[str, ...]:
    """Give the tags, stripped, each once: a list, or text split at commas, semicolons and bars of either script."""
    tags = _texts(cell, _BETWEEN_TAGS, "write a list of tags")
    return tuple(_limited(tag, MAX_TAG_CHARACTERS) for tag in dict.fromkeys(tags))


def parse_enabled(cell: object) -> bool:
    """Give the switch, True where it is absent."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return True
    enabled = _SWITCH.get(str(cell).strip().casefold()) if isinstance(cell, bool | int | str) else None
    if enabled is None:
        raise CellError(f"is {_shown(cell)}, neither on nor off", f"write one of {', '.join(_SWITCH)}")
    return enabled


def parse_time(cell: object) -> datetime | None:
    """Give the moment in UTC, None where it is absent; a date is its midnight, and UTC where no zone is named."""
    fix = "write a date such as 2026-11-24 or 2026-11-24T08:30+08:00"
    if cell is None:
        return None
    written = _text(cell, fix).strip()
    if not written:
        return None
    loose = _LOOSE_TIME.fullmatch(written)
    if loose is None:
        iso = written
    else:
        year, month, day, hour, rest = loose.groups()
        iso = f"{year}-{month:0>2}-{day:0>2}" + (f"T{hour:0>2}{rest}" if hour else "")
    try:
        return in_utc(datetime.fromisoformat(iso))
    except (ValueError, OverflowError):
        raise CellError(f"is {excerpt(written)}, no date or time", fix) from None


def check_metadata(metadata: dict[str, Any]) -> None:
    """Refuse what could not be written as JSON again: broken text, infinite numbers, endless nesting."""
    level: list[Any] = [metadata]
    for _ in range(MAX_METADATA_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _sound(item)
            elif isinstance(item, float) and item - item != 0:
                raise CellError("holds a number too large for JSON", "write it as text")
            elif isinstance(item, dict):
                deeper += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                deeper += item
        if not deeper:
            return
        level = deeper
    raise CellError(f"is nested deeper than {MAX_METADATA_DEPTH} levels", "flatten it")


def check_metadata_size(metadata: dict[str, Any]) -> None:
    """Refuse metadata (checked before) that takes more than its limit as JSON."""
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > MAX_METADATA_BYTES:
        raise CellError(
            f"the metadata takes {size:,} bytes as JSON, the limit is {MAX_METADATA_BYTES:,}",
            "leave out columns that the bot does not need",
        )


def _texts(cell: object, separator: re.Pattern[str], fix: str) -> list[str]:
    if cell is None:
        return []
    items = cell if isinstance(cell, list) else separator.split(_text(cell, fix))
    return [text for item in items if (text := _text(item, f"{fix}, each of them text").strip())]


def _text(cell: object, fix: str) -> str:
    if not isinstance(cell, str):
        raise CellError(f"is {_shown(cell)}, not text", fix)
    return _sound(cell)


def _sound(text: str) -> str:
    if "\0" in text:
        raise CellError("holds a NUL character", "take it out, or save the file as UTF-8")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            problem = f"holds half a character (the surrogate \\u{ord(text[error.start]):04x})"
            raise CellError(problem, "write the whole character") from None
    return text


def _limited(text: str, limit: int) -> str:
    if len(text) > limit:
        raise CellError(f"has {len(text):,} characters, the limit is {limit:,}: {excerpt(text)}", "shorten it")
    return text


def _shown(cell: object) -> str:
    match cell:
        case None:
            return "null"
        case list():
            return "a list"
        case dict():
            return "an object"
        case str():
            return excerpt(cell)
        case bool():
            return json.dumps(cell)
        case int() | float():
            return f"the number {cell:.15g}" if isinstance(cell, float) else f"the number {excerpt(str(cell))[1:-1]}"
        case _:
            return f"a {type(cell).__name__}"
