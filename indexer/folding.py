"""Rows that say the same, folded into one entry."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from indexer.complaint import Complaint, excerpt
from indexer.entry import MAX_PHRASINGS, Entry
from indexer.meaning import Meaning, difference, meaning_of, named
from indexer.row import Place
from indexer.validation import CheckedRow
from models.message import Message


@dataclass(frozen=True, kw_only=True)
class Folding:
    """The entries that rows were folded into, each under an id of its own."""

    entries: tuple[Entry, ...]
    places: Mapping[str, Place]
    """Where each entry stands, by its id: the first of its rows."""
    notices: tuple[Complaint, ...]
    """Of what was folded, and of phrasings of two meanings, which both stay."""
    complaints: tuple[Complaint, ...]
    """About all rows of each entry that has too many phrasings."""


def fold(rows: Iterable[CheckedRow]) -> Folding:
    """Fold each row whose question stands before with the same meaning into the entry that has it.

    A phrasing that stands before with the same meaning is kept there only. Linear in the number of phrasings.
    """
    folder = _Folder()
    for row in rows:
        folder.add(row)
    entries, places = [], {}
    for entry, place in folder.entries():
        entries.append(entry)
        places[entry.id] = place
    return Folding(
        entries=tuple(entries),
        places=places,
        notices=tuple(folder.notices),
        complaints=tuple(complaint for kept in folder.kept for complaint in kept.complaints()),
    )


@dataclass(kw_only=True)
class _Kept:
    """An entry that stays, with what later rows add to it."""

    row: CheckedRow
    folded: list[CheckedRow] = field(default_factory=list)
    phrasings: dict[str, str] = field(default_factory=dict)  # by key, the standard question first
    tags: dict[str, None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return named(self.row, self.row.place.message)

    def entry(self, identifier: str) -> Entry:
        entry = self.row.entry
        question, *similar = self.phrasings.values()
        if identifier == entry.id and len(similar) == len(entry.similar) and len(self.tags) == len(entry.tags):
            return entry
        return replace(entry, id=identifier, question=question, similar=tuple(similar), tags=tuple(self.tags))

    def complaints(self) -> Iterator[Complaint]:
        if len(self.phrasings) <= MAX_PHRASINGS:
            return
        fix = Message("keep those that differ most")
        limit = MAX_PHRASINGS
        other = self.folded[0].place
        problem = Message(
            "with {other} folded into it makes more than {limit:,} phrasings of one entry", other=other, limit=limit
        )
        yield self.row.complaint("question", problem, fix)
        problem = Message(
            "folded into {other} it makes more than {limit:,} phrasings of one entry", other=self.name, limit=limit
        )
        for row in self.folded:
            yield row.complaint("question", problem, fix)


class _Folder:
    def __init__(self) -> None:
        self.kept: list[_Kept] = []
        self._owners: dict[str, dict[Meaning, _Kept]] = {}  # by key of a phrasing
        self.notices: list[Complaint] = []

    def add(self, row: CheckedRow) -> None:
        """Fold the row into an entry kept before, or keep it, less what stands before with the same meaning."""
        meaning = meaning_of(row.entry)
        target = self._owners.get(row.keys[0], {}).get(meaning)
        if target is None:
            target = _Kept(row=row)
            self.kept.append(target)
        else:
            target.folded.append(row)
            self._note_folded(row, target)
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
        for owner, phrasing in shared.values():
            problem = Message(
                "{phrasing} stands in {other} with the same answer", phrasing=excerpt(phrasing), other=owner.name
            )
            self.notices.append(row.complaint("similar", problem, Message("kept there only")))
        for rival, phrasing in rivals.values():
            column, problem = difference(row, rival.row, phrasing)
            self.notices.append(row.complaint(column, problem, Message("both stay")))

    def entries(self) -> Iterator[tuple[Entry, Place]]:
        """Give the entries that stay, each under an id of its own."""
        taken = {kept.row.entry.id for kept in self.kept if kept.row.has_own_id}
        suffixes: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
        for kept in self.kept:
            identifier = derived = kept.row.entry.id
            if not kept.row.has_own_id:
                # Two answers may stay to one question, and both would derive their id from it.
                while identifier in taken:
                    identifier = f"{derived}-{next(suffixes[derived])}"
                taken.add(identifier)
            yield kept.entry(identifier), kept.row.place

    def _note_folded(self, row: CheckedRow, target: _Kept) -> None:
        kept_metadata = target.row.entry.metadata
        lost = any(kept_metadata.get(name) != value for name, value in row.entry.metadata.items())
        problem = Message(
            "{question} asks the same as {other}, with the same answer",
            question=named(row, excerpt(row.entry.question)),
            other=target.name,
        )
        fix = Message("folded into that row, its own metadata left out") if lost else Message("folded into that row")
        self.notices.append(row.complaint("question", problem, fix))
