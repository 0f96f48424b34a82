"""Cells of a sheet without a value of their own: errors, and formulas that nobody has calculated.

The reader of workbooks gives both as blank cells, and a blank answer, or none at all, would pass unseen.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final
from xml.parsers import expat

from indexer.workbook_archive import SAVE_AGAIN, WORKBOOK, RefusedWorkbook, WorkbookArchive
from models.message import Message

_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_WITHOUT_VALUE: Final = Message("a formula without a value")

Position = tuple[int, int]
"""Row as Excel numbers it, column from 0."""


def sheet_parts(archive: WorkbookArchive) -> dict[str, str]:
    """Give the part of the archive that each sheet is in, by the sheet's name."""
    targets = {
        attributes.get("Id", ""): attributes.get("Target", "")
        for name, attributes in _elements(archive.chunks(_RELATIONS))
        if name == "Relationship"
    }
    parts: dict[str, str] = {}
    for name, attributes in _elements(archive.chunks(WORKBOOK)):
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            target = targets.get(relation, "")
            if attributes.get("name", "") in parts:
                raise RefusedWorkbook(Message("has two sheets of one name"), Message("rename one of the two"))
            if not target.casefold().endswith(".xml"):  # only these were checked
                raise RefusedWorkbook(Message("keeps a sheet in {part!r}", part=target), SAVE_AGAIN)
            parts[attributes.get("name", "")] = target if target.startswith("/") else f"xl/{target}"
    return parts


def find_faults(archive: WorkbookArchive, part: str) -> Mapping[Position, Message]:
    """Give what is wrong with each faulty cell of a sheet: `the error #REF!`, `a formula without a value`."""
    return _FaultFinder().find(archive.chunks(part)) if archive.may_hold_faults(part) else {}


class _FaultFinder:
    def __init__(self) -> None:
        self.faults: dict[Position, Message] = {}
        self._row = self._column = 0
        self._type = ""
        self._has_formula = self._in_value = False
        self._value: list[str] = []

    def find(self, chunks: Iterable[bytes]) -> Mapping[Position, Message]:
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        _feed(parser, chunks)
        return self.faults

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "row":
                number = attributes.get("r", "")
                self._row = int(number) if number.isdecimal() else self._row + 1
                self._column = -1
            case "c":
                reference = _REFERENCE.fullmatch(attributes.get("r", ""))
                if reference is None:  # it may be left out, and then stands beside the one before
                    self._column += 1
                else:
                    self._column = _column_number(reference[1])
                    self._row = int(reference[2])
                self._type = attributes.get("t", "")
                self._has_formula = False
                self._value.clear()
            case "f":
                self._has_formula = True
            case "v":
                self._in_value = True

    def _text(self, text: str) -> None:
        if self._in_value:
            self._value.append(text)

    def _end(self, name: str) -> None:
        match _local(name):
            case "v":
                self._in_value = False
            case "c":
                value = "".join(self._value).strip()
                if self._type == "e":
                    self.faults[self._row, self._column] = _error(value or "#?")
                elif self._has_formula and not value and self._type != "str":  # ="" is a text, and blank
                    self.faults[self._row, self._column] = _WITHOUT_VALUE


@lru_cache(maxsize=100)
def _error(code: str) -> Message:
    """Give the same object for the same code: a sheet may hold a million of them."""
    return Message("the error {code}", code=code)


def _elements(chunks: Iterable[bytes]) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: found.append((_local(name), attributes))
    _feed(parser, chunks)
    return found


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    return parser


def _feed(parser: expat.XMLParserType, chunks: Iterable[bytes]) -> None:
    for chunk in chunks:  # parsed before, when the archive was checked
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
