"""One raw row to one entry, or to everything that is wrong with the row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from indexer import cells
from indexer.cells import CellError
from indexer.columns import Columns, Field
from indexer.complaint import Complaint, excerpt
from indexer.entry import MAX_PHRASINGS, Entry, id_of_key
from indexer.row import Row
from models import normalise

Value = TypeVar("Value")

_NESTED_METADATA = "metadata"


@dataclass(frozen=True, kw_only=True)
class CheckedRow:
    """An entry that is right in itself, and what comparing it with the others takes."""

    number: int
    sheet: str | None = None
    columns: Columns
    """Of the file, or of the sheet."""
    entry: Entry
    keys: tuple[str, ...]
    """`normalise.key` of each of `entry.phrasings`, all different."""
    has_own_id: bool
    """False where the id is derived from the question."""


class RowChecker:
    """The rules for one row, set up once a file or sheet; `tag` is one more tag of every entry."""

    def __init__(self, file: str, columns: Columns, *, allow_empty_answer: bool, tag: str | None = None) -> None:
        self._file = file
        self._columns = columns
        self._tag = [] if tag is None else [tag]
        self._parse_answer: Callable[[object], str | None] = (
            cells.parse_answer if allow_empty_answer else cells.parse_required_answer
        )

    def check(self, row: Row) -> CheckedRow | list[Complaint]:
        """Give the checked row, or all its complaints."""
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
            fields.complain("question", "holds no visible character", "write a question, or take the row out")
        if len(phrasings) > MAX_PHRASINGS:
            problem = f"makes {len(phrasings):,} phrasings of one entry, the limit is {MAX_PHRASINGS:,}"
            fields.complain("similar", problem, "keep those that differ most")
        if fields.complaints or question is None or enabled is None:
            return fields.complaints
        keys = tuple(phrasings)
        entry = Entry(
            id=id_of_key(keys[0]) if own_id is None else own_id,
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
            fields.complain("valid_until", "is not after valid_from", "swap the two, or correct one")
            return fields.complaints
        return CheckedRow(
            number=row.number,
            sheet=row.sheet,
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
            if cell is None or column in self._columns.fields:
                continue
            spread = cell if column == _NESTED_METADATA and isinstance(cell, dict) else {column: cell}
            if twice := metadata.keys() & spread.keys():
                self._add(column, f"{excerpt(min(twice))} stands in it and beside it", "keep one of the two")
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

    def complain(self, field: Field, problem: str, fix: str) -> None:
        """Add a complaint about the column of `field`."""
        self._add(next(iter(self._columns.of(field)), field), problem, fix)

    def _parsed(self, column: str | None, parse: Callable[[object], Value]) -> Value | None:
        try:
            cell = cells.readable(None if column is None else self._row.cells.get(column))
            return parse(cell if self._row.sheet is None else cells.as_text(cell))
        except CellError as error:
            self._add(column, error.problem, error.fix)
            return None

    def _add(self, column: str | None, problem: str, fix: str) -> None:
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
