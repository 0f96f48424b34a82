"""One raw cell to one value of an entry.

Each `parse_*` takes a cell as `rows` gives it (text or any JSON value, None where it is absent),
gives the value, and raises CellError where there is none.
"""

import json
import re
import unicodedata
from datetime import datetime
from typing import Any, Final

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
from models.message import Message

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

# Made once: they are handed down with every cell.
_WRITE_AN_ID: Final = Message("write text or a whole number")
_WRITE_A_QUESTION: Final = Message("write a question")
_WRITE_QUESTIONS: Final = Message("write a list of questions")
_WRITE_AN_ANSWER: Final = Message("write the answer as text")
_WRITE_TAGS: Final = Message("write a list of tags")
_WRITE_A_TIME: Final = Message("write a date such as 2026-11-24 or 2026-11-24T08:30+08:00")


class CellError(ValueError):
    """A cell holds no value of its field: what is wrong, and the way out. Never leaves this floor."""

    def __init__(self, problem: Message, fix: Message) -> None:
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
        fix = Message("write it as text (format: Text)")
        if abs(cell) > _LARGEST_EXACT:
            raise CellError(Message("is {shown}, of which Excel keeps 15 digits", shown=_shown(cell)), fix)
        if isinstance(cell, float):
            raise CellError(Message("is {shown}, whose format is not read", shown=_shown(cell)), fix)
        return str(cell)
    return cell


def parse_id(cell: object) -> str | None:
    """Give the id exactly as it stands, None where there is none."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    if cell is None:
        return None
    identifier = _text(cell, _WRITE_AN_ID)
    if not identifier.strip():
        return None
    if not identifier.isprintable() and any(unicodedata.category(c) in _CONTROL for c in identifier):
        problem = Message("holds a control character in {text}", text=excerpt(identifier))
        raise CellError(problem, Message("take it out"))
    return _limited(identifier, MAX_ID_CHARACTERS)


def parse_question(cell: object) -> str:
    """Give the standard question, stripped."""
    question = "" if cell is None else _text(cell, _WRITE_A_QUESTION).strip()
    if not question:
        raise CellError(Message("is empty"), Message("write a question, or take the row out"))
    return _limited(question, MAX_PHRASING_CHARACTERS)


def parse_similar(cell: object) -> tuple[str, ...]:
    """Give the other phrasings, stripped, without blanks: a list, or text split at `||` and line ends."""
    phrasings = _texts(cell, _BETWEEN_PHRASINGS, _WRITE_QUESTIONS)
    return tuple(_limited(phrasing, MAX_PHRASING_CHARACTERS) for phrasing in phrasings)


def parse_answer(cell: object) -> str | None:
    """Give the answer verbatim, None where it is blank."""
    answer = "" if cell is None else _text(cell, _WRITE_AN_ANSWER)
    return _limited(answer, MAX_ANSWER_CHARACTERS) if answer.strip() else None


def parse_required_answer(cell: object) -> str:
    """Do as `parse_answer`, but refuse a blank answer."""
    answer = parse_answer(cell)
    if answer is None:
        raise CellError(Message("is empty"), Message("write an answer, or index with --allow-empty-answer"))
    return answer


def parse_tags(cell: object) -> tuple[str, ...]:
    """Give the tags, stripped, each once: a list, or text split at commas, semicolons and bars of either script."""
    tags = _texts(cell, _BETWEEN_TAGS, _WRITE_TAGS)
    return tuple(_limited(tag, MAX_TAG_CHARACTERS) for tag in dict.fromkeys(tags))


def parse_enabled(cell: object) -> bool:
    """Give the switch, True where it is absent."""
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return True
    enabled = _SWITCH.get(str(cell).strip().casefold()) if isinstance(cell, bool | int | str) else None
    if enabled is None:
        problem = Message("is {shown}, neither on nor off", shown=_shown(cell))
        raise CellError(problem, Message("write one of {names}", names=", ".join(_SWITCH)))
    return enabled


def parse_time(cell: object) -> datetime | None:
    """Give the moment in UTC, None where it is absent; a date is its midnight, and UTC where no zone is named."""
    if cell is None:
        return None
    written = _text(cell, _WRITE_A_TIME).strip()
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
        raise CellError(Message("is {text}, no date or time", text=excerpt(written)), _WRITE_A_TIME) from None


def check_metadata(metadata: dict[str, Any]) -> None:
    """Refuse what could not be written as JSON again: broken text, infinite numbers, endless nesting."""
    level: list[Any] = [metadata]
    for _ in range(MAX_METADATA_DEPTH + 1):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _sound(item)
            elif isinstance(item, float) and item - item != 0:
                raise CellError(Message("holds a number too large for JSON"), Message("write it as text"))
            elif isinstance(item, dict):
                deeper += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                deeper += item
        if not deeper:
            return
        level = deeper
    raise CellError(Message("is nested deeper than {levels} levels", levels=MAX_METADATA_DEPTH), Message("flatten it"))


def check_metadata_size(metadata: dict[str, Any]) -> None:
    """Refuse metadata (checked before) that takes more than its limit as JSON."""
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > MAX_METADATA_BYTES:
        problem = Message(
            "the metadata takes {size:,} bytes as JSON, the limit is {limit:,}", size=size, limit=MAX_METADATA_BYTES
        )
        raise CellError(problem, Message("leave out columns that the bot does not need"))


def _texts(cell: object, separator: re.Pattern[str], fix: Message) -> list[str]:
    if cell is None:
        return []
    if isinstance(cell, list):
        each = Message("{fix}, each of them text", fix=fix)
        items = [_text(item, each) for item in cell]
    else:
        items = separator.split(_text(cell, fix))
    return [text for item in items if (text := item.strip())]


def _text(cell: object, fix: Message) -> str:
    if not isinstance(cell, str):
        raise CellError(Message("is {shown}, not text", shown=_shown(cell)), fix)
    return _sound(cell)


def _sound(text: str) -> str:
    if "\0" in text:
        raise CellError(Message("holds a NUL character"), Message("take it out, or save the file as UTF-8"))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            problem = Message("holds half a character (the surrogate \\u{code:04x})", code=ord(text[error.start]))
            raise CellError(problem, Message("write the whole character")) from None
    return text


def _limited(text: str, limit: int) -> str:
    if len(text) > limit:
        problem = Message(
            "has {count:,} characters, the limit is {limit:,}: {text}", count=len(text), limit=limit, text=excerpt(text)
        )
        raise CellError(problem, Message("shorten it"))
    return text


def _shown(cell: object) -> str:
    match cell:
        case None:
            return "null"
        case list():
            return Message("a list")
        case dict():
            return Message("an object")
        case str():
            return excerpt(cell)
        case bool():
            return json.dumps(cell)
        case float():
            return Message("the number {number:.15g}", number=cell)
        case int():
            return Message("the number {number}", number=excerpt(str(cell))[1:-1])
        case _:
            return Message("a {type}", type=type(cell).__name__)
