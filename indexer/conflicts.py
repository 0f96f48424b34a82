"""Entries against one another: an id or a phrasing may belong to one entry only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import NamedTuple

from indexer.columns import Field
from indexer.complaint import Complaint, excerpt
from indexer.entry import MAX_PHRASINGS, Entry
from indexer.validation import CheckedRow


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The entries that stay, and what was folded or is in conflict on the way there."""

    entries: tuple[Entry, ...]
    notices: tuple[Complaint, ...]
    complaints: tuple[Complaint, ...]


def resolve(rows: Sequence[CheckedRow], *, file: str, allow_conflicts: bool) -> Resolution:
    """Fold rows that say the same into the first of them; complain about those that contradict one another.

    With `allow_conflicts` both sides of a contradiction stay, with a notice. Linear in the number of phrasings.
    """
    resolver = _Resolver(file, allow_conflicts=allow_conflicts)
    for row in resolver.with_unique_ids(rows):
        resolver.add(row)
    return Resolution(
        entries=tuple(resolver.entries()), notices=tuple(resolver.notices), complaints=tuple(resolver.complaints)
    )


class _Meaning(NamedTuple):
    """What two entries must share for one to be folded into the other."""

    answer: str
    id_without_answer: str | None  # where the bot keeps the answers, the id is the answer
    enabled: bool
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(kw_only=True)
class _Kept:
    """An entry that stays, with what later rows add to it."""

    row: CheckedRow
    phrasings: dict[str, str] = field(default_factory=dict)  # by key, the standard question first
    tags: dict[str, None] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{_place(self.row)}{_own_id(self.row)}"

    def entry(self, identifier: str) -> Entry:
        entry = self.row.entry
        question, *similar = self.phrasings.values()
        if identifier == entry.id and len(similar) == len(entry.similar) and len(self.tags) == len(entry.tags):
            return entry
        return replace(entry, id=identifier, question=question, similar=tuple(similar), tags=tuple(self.tags))


class _Resolver:
    def __init__(self, file: str, *, allow_conflicts: bool) -> None:
        self._file = file
        self._allow_conflicts = allow_conflicts
        self._kept: list[_Kept] = []
        self._owners: dict[str, dict[_Meaning, _Kept]] = {}  # by key of a phrasing
        self.notices: list[Complaint] = []
        self.complaints: list[Complaint] = []

    def with_unique_ids(self, rows: Iterable[CheckedRow]) -> list[CheckedRow]:
        """Complain about each row whose own id stands before, and leave it out: more about it would only confuse."""
        first: dict[str, CheckedRow] = {}
        unique: list[CheckedRow] = []
        for row in rows:
            if row.has_own_id and (other := first.setdefault(row.entry.id, row)) is not row:
                problem = f"{excerpt(row.entry.id)} is the id of {_place(other)} too"
                self.complaints.append(self._say(row, "id", problem, "give each row an id of its own"))
            else:
                unique.append(row)
        return unique

    def add(self, row: CheckedRow) -> None:
        """Fold the row into an entry kept before, or keep it, less what stands before with the same meaning."""
        meaning = _meaning(row.entry)
        target = self._owners.get(row.keys[0], {}).get(meaning)
        folded = target is not None
        if target is None:
            target = _Kept(row=row)
            self._kept.append(target)
        size = len(target.phrasings)
        shared: dict[int, tuple[_Kept, str]] = {}
        rivals: dict[int, tuple[_Kept, str]] = {}
        for key, phrasing in zip(row.keys, row.entry.phrasings, strict=True):
            owners = self._owners.setdefault(key, {})
            owner = owners.get(meaning)
            if owner is None:
                if owners:  # the first of them speaks for all: a notice for every pair would never end
                    rival = next(iter(owners.values()))
                    rivals.setdefault(id(rival), (rival, phrasing))
                owners[meaning] = target
                target.phrasings[key] = phrasing
            elif owner is not target:
                shared.setdefault(id(owner), (owner, phrasing))
        target.tags |= dict.fromkeys(row.entry.tags)
        if folded:
            self._note_folded(row, target)
            if size <= MAX_PHRASINGS < len(target.phrasings):
                problem = f"folded into {target} it makes more than {MAX_PHRASINGS:,} phrasings of one entry"
                self.complaints.append(self._say(row, "question", problem, "keep those that differ most"))
        for owner, phrasing in shared.values():
            problem = f"{excerpt(phrasing)} stands in {owner} with the same answer"
            self.notices.append(self._say(row, "similar", problem, "kept there only"))
        for rival, phrasing in rivals.values():
            self._report_conflict(row, rival, phrasing)

    def entries(self) -> Iterable[Entry]:
        """Give the entries that stay, each under an id of its own."""
        taken = {kept.row.entry.id for kept in self._kept if kept.row.has_own_id}
        suffixes: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
        for kept in self._kept:
            identifier = derived = kept.row.entry.id
            if not kept.row.has_own_id:
                # Two answers may stay to one question, and both would derive their id from it.
                while identifier in taken:
                    identifier = f"{derived}-{next(suffixes[derived])}"
                taken.add(identifier)
            yield kept.entry(identifier)

    def _note_folded(self, row: CheckedRow, target: _Kept) -> None:
        kept_metadata = target.row.entry.metadata
        lost = any(kept_metadata.get(name) != value for name, value in row.entry.metadata.items())
        problem = f"{excerpt(row.entry.question)}{_own_id(row)} asks the same as {target}, with the same answer"
        fix = "folded into that row" + (", its own metadata left out" if lost else "")
        self.notices.append(self._say(row, "question", problem, fix))

    def _report_conflict(self, row: CheckedRow, rival: _Kept, phrasing: str) -> None:
        mine, other = _meaning(row.entry), _meaning(rival.row.entry)
        if mine.answer != other.answer:
            difference = "another answer"
        elif mine.id_without_answer != other.id_without_answer:
            difference = "another id and no answer"
        else:
            difference = "the same answer but another enabled, valid_from or valid_until"
        problem = f"{excerpt(phrasing)}{_own_id(row)} stands in {rival} with {difference}"
        column: Field = "question" if phrasing == row.entry.question else "similar"
        if self._allow_conflicts:
            self.notices.append(self._say(row, column, problem, "both stay"))
        else:
            fix = "merge the two rows, or index with --allow-conflicts"
            self.complaints.append(self._say(row, column, problem, fix))

    def _say(self, row: CheckedRow, field: Field, problem: str, fix: str) -> Complaint:
        column = next(iter(row.columns.of(field)), field)
        return Complaint(file=self._file, sheet=row.sheet, row=row.number, column=column, problem=problem, fix=fix)


def _meaning(entry: Entry) -> _Meaning:
    answer = (entry.answer or "").strip()
    return _Meaning(answer, None if answer else entry.id, entry.enabled, entry.valid_from, entry.valid_until)


def _place(row: CheckedRow) -> str:
    return f"row {row.number}" if row.sheet is None else f"row {row.number} of sheet {excerpt(row.sheet)}"


def _own_id(row: CheckedRow) -> str:
    return f" (id {excerpt(row.entry.id)})" if row.has_own_id else ""
