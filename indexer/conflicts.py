"""Entries against one another: an id or a phrasing may belong to one entry only."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from indexer.complaint import Complaint, excerpt
from indexer.entry import Entry
from indexer.folding import fold
from indexer.meaning import Meaning, difference, meaning_of
from indexer.row import Place
from indexer.validation import CheckedRow
from models.message import Message


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The entries that stay, and what was folded or is in conflict on the way there."""

    entries: tuple[Entry, ...]
    places: Mapping[str, Place]
    """Where each entry stands, by its id: the first of its rows."""
    folded: int
    """Rows that became part of the entry of another."""
    rejected: frozenset[str]
    """The ids that the entries of rejected rows would have."""
    notices: tuple[Complaint, ...]
    complaints: tuple[Complaint, ...]


def resolve(rows: Sequence[CheckedRow], *, allow_conflicts: bool) -> Resolution:
    """Fold rows that say the same into the first of them; leave out those that contradict one another.

    All rows of a contradiction are left out, with a complaint each: to stand first does not make one of them right.
    A row that is left out for its id takes no part in what comes after. With `allow_conflicts` both sides of a
    contradiction stay, with a notice. Linear in the number of phrasings.
    """
    complaints = [*_shared_ids(rows)]
    left = _without(complaints, rows)
    if not allow_conflicts:
        complaints += _contradictions(left)
        left = _without(complaints, left)
    folding = fold(left)
    while folding.complaints:  # what was folded into rows that are left out now stands elsewhere
        complaints += folding.complaints
        left = _without(complaints, left)
        folding = fold(left)
    places = {row.place for row in left}
    return Resolution(
        entries=folding.entries,
        places=folding.places,
        folded=len(left) - len(folding.entries),
        rejected=frozenset(row.entry.id for row in rows if row.place not in places),
        notices=folding.notices,
        complaints=tuple(complaints),
    )


def _without(complaints: Iterable[Complaint], rows: Iterable[CheckedRow]) -> list[CheckedRow]:
    places = {(complaint.sheet, complaint.row) for complaint in complaints}
    return [row for row in rows if (row.place.sheet, row.place.row) not in places]


def _shared_ids(rows: Iterable[CheckedRow]) -> Iterator[Complaint]:
    """Complain about each row whose own id is that of another row too."""
    owners: defaultdict[str, list[CheckedRow]] = defaultdict(list)
    for row in rows:
        if row.has_own_id:
            owners[row.entry.id].append(row)
    for identifier, sharing in owners.items():
        for row in sharing if len(sharing) > 1 else ():
            other = sharing[1] if row is sharing[0] else sharing[0]
            problem = Message("{id} is the id of {place} too", id=excerpt(identifier), place=other.place)
            yield row.complaint("id", problem, Message("give each row an id of its own"))


def _contradictions(rows: Sequence[CheckedRow]) -> Iterator[Complaint]:
    """Complain about each row that has a phrasing of another row and means something else by it."""
    holders: dict[str, dict[Meaning, CheckedRow]] = {}  # by key of a phrasing: the first row of each meaning
    for row in rows:
        meaning = meaning_of(row.entry)
        for key in row.keys:
            holders.setdefault(key, {}).setdefault(meaning, row)
    for row in rows:
        meaning = meaning_of(row.entry)
        rivals: dict[Place, tuple[CheckedRow, str]] = {}
        for key, phrasing in zip(row.keys, row.entry.phrasings, strict=True):
            # the first of them speaks for all: a complaint for every pair would never end
            rival = next((holder for its_meaning, holder in holders[key].items() if its_meaning != meaning), None)
            if rival is not None:
                rivals.setdefault(rival.place, (rival, phrasing))
        for rival, phrasing in rivals.values():
            column, problem = difference(row, rival, phrasing)
            yield row.complaint(column, problem, Message("merge the two rows, or index with --allow-conflicts"))
