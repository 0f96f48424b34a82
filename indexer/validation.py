"""One raw row to one entry, or to everything that is wrong with the row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from indexer import cells
from indexer.cells import CellError
from indexer.columns import ERROR_COLUMNS, Columns, Field
from indexer.complaint import Complaint, excerpt
from indexer.entry import MAX_PHRASINGS, Entry, id_of_key
from indexer.row import Place, Row
from models import normalise
from models.message import Message

Value = TypeVar("Value")

_NESTED_METADATA = "metadata"
_NEVER_READ = frozenset(ERROR_COLUMNS.values())


@dataclass(frozen=True, kw_only=True)
class CheckedRow:
    """An entry that is right in itself, and what comparing it with the others takes."""

    file: str
    place: Place
    columns: Columns
    """Of the file, or of the sheet."""
    entry: Entry
    keys: tuple[str, ...]
    """`normalise.key` of each of `entry.phrasings`, all different."""
    has_own_id: bool
    """False where the id is derived from the question."""

    def complaint(self, field: Field, problem: Message, fix: Message) -> Complaint:
        """Make a complaint about the column of `field`, or a notice."""
        column = next(iter(self.columns.of(field)), field)
        place = self.place
        return Complaint(file=self.file, sheet=place.sheet, row=place.row, column=column, problem=problem, fix=fix)


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that is no entry."""

    id: str | None
    """What the id of its entry would be; None where nobody knows."""
    complaints: tuple[Complaint, ...]


class RowChecker:
    """The rules for one row, set up once a file or sheet; `tag` is one more tag of every entry."""

    def __init__(self, file: str, columns: Columns, *, allow_empty_answer: bool, tag: str | None = None) -> None:
        self._file = file
        self._columns = columns
        self._tag = [] if tag is None else [tag]
        self._parse_answer: Callable[[object], str | None] = (
            cells.parse_answer if allow_empty_answer else cells.parse_required_answer
        )

    def check(self, row: Row) -> CheckedRow | RejectedRow:
        """Give the checked row, or all that is wrong with it."""
        fields = _Fields(self._file, self._columns, row)
        own_id = fields.one("id", cells.parse_id)
        question = fields.one("question", cells.parse_question)
        answer = fields.one("answer", self._parse_answer)
        phrasings = _distinct([question or "", *fields.many("similar", cells.parse_similar)])
        tags = tuple(dict.fromkeys([*fields.many("tags", cells.parse_tags), *self._tag]))
        enabled = fields.one("enabled", cells.parse_enabled)
        valid_from = fields.one("valid_from", cells.parse_time)
        valid_until = fields.one("valid_until", cells.parse_time)
        metadata = fields.metadata()

        if question is not None and question not in phrasings.values():
            fix = Message("write a question, or take the row out")
            fields.complain("question", Message("holds no visible character"), fix)
        if len(phrasings) > MAX_PHRASINGS:
            problem = Message(
                "makes {count:,} phrasings of one entry, the limit is {limit:,}",
                count=len(phrasings),
                limit=MAX_PHRASINGS,
            )
            fields.complain("similar", problem, Message("keep those that differ most"))
        if fields.complaints or question is None or enabled is None:
            derivable = question in phrasings.values() and not fields.complained_about("id")
            derived = id_of_key(next(iter(phrasings))) if derivable else None
            return RejectedRow(id=own_id or derived, complaints=tuple(fields.complaints))
        keys = tuple(phrasings)
        identifier = id_of_key(keys[0]) if own_id is None else own_id
        entry = Entry(
            id=identifier,
            question=question,
            similar=tuple(phrasings.values())[1:],
            answer=answer,
            tags=tags,
            metadata=metadata,
            enabled=enabled,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        if entry.valid_from and entry.valid_until and entry.valid_until <= entry.valid_from:
            fix = Message("swap the two, or correct one")
            fields.complain("valid_until", Message("is not after valid_from"), fix)
            return RejectedRow(id=identifier, complaints=tuple(fields.complaints))
        return CheckedRow(
            file=self._file,
            place=Place(sheet=row.sheet, row=row.number),
            columns=self._columns,
            entry=entry,
            keys=keys,
            has_own_id=own_id is not None,
        )


class _Fields:
    """The cells of one row by field, and what was wrong with them so far."""

    def __init__(self, file: str, columns: Columns, row: Row) -> None:
        self._file = file
        self._columns = columns
        self._row = row
        self.complaints: list[Complaint] = []

    def one(self, field: Field, parse: Callable[[object], Value]) -> Value | None:
        """Parse the one cell of `field`; None after a complaint."""
        return self._parsed(next(iter(self._columns.of(field)), None), parse)

    def many(self, field: Field, parse: Callable[[object], tuple[str, ...]]) -> list[str]:
        """Parse every cell of `field` and join the results."""
        return [text for column in self._columns.of(field) for text in self._parsed(column, parse) or ()]

    def metadata(self) -> dict[str, Any]:
        """Gather the columns that are no field. An object called `metadata`, as in entries.jsonl, is spread out."""
        metadata: dict[str, Any] = {}
        for column, cell in self._row.cells.items():
            if cell is None or column in self._columns.fields or column in _NEVER_READ:
                continue
            spread = cell if column == _NESTED_METADATA and isinstance(cell, dict) else {column: cell}
            if twice := metadata.keys() & spread.keys():
                problem = Message("{name} stands in it and beside it", name=excerpt(min(twice)))
                self._add(column, problem, Message("keep one of the two"))
            try:
                cells.readable(cell)
                cells.check_metadata(spread)
            except CellError as error:
                self._add(column, error.problem, error.fix)
            metadata |= spread
        if metadata and not self.complaints:
            try:
                cells.check_metadata_size(metadata)
            except CellError as error:
                self._add(None, error.problem, error.fix)
        return metadata

    def complain(self, field: Field, problem: Message, fix: Message) -> None:
        """Add a complaint about the column of `field`."""
        self._add(next(iter(self._columns.of(field)), field), problem, fix)

    def complained_about(self, field: Field) -> bool:
        """Say whether there is a complaint about a column of `field`."""
        return any(complaint.column in self._columns.of(field) for complaint in self.complaints)

    def _parsed(self, column: str | None, parse: Callable[[object], Value]) -> Value | None:
        try:
            cell = cells.readable(None if column is None else self._row.cells.get(column))
            return parse(cell if self._row.sheet is None else cells.as_text(cell))
        except CellError as error:
            self._add(column, error.problem, error.fix)
            return None

    def _add(self, column: str | None, problem: Message, fix: Message) -> None:
        row = self._row
        self.complaints.append(
            Complaint(file=self._file, sheet=row.sheet, row=row.number, column=column, problem=problem, fix=fix)
        )


def _distinct(phrasings: list[str]) -> dict[str, str]:
    """Give the phrasings by their key, the first of equals, without those of no visible character."""
    distinct: dict[str, str] = {}
    for phrasing in dict.fromkeys(phrasings):
        if key := normalise.key(phrasing):
            distinct.setdefault(key, phrasing)
    return distinct
