"""What a row means by its phrasings: rows that mean the same are one entry, and others contradict one another."""

from datetime import datetime
from typing import NamedTuple

from indexer.columns import Field
from indexer.complaint import excerpt
from indexer.entry import Entry
from indexer.validation import CheckedRow
from models.message import Message


class Meaning(NamedTuple):
    """What two entries must share for one to be folded into the other."""

    answer: str
    id_without_answer: str | None  # where the bot keeps the answers, the id is the answer
    enabled: bool
    valid_from: datetime | None
    valid_until: datetime | None


def meaning_of(entry: Entry) -> Meaning:
    """Give the meaning of an entry."""
    answer = (entry.answer or "").strip()
    return Meaning(answer, None if answer else entry.id, entry.enabled, entry.valid_from, entry.valid_until)


def difference(row: CheckedRow, other: CheckedRow, phrasing: str) -> tuple[Field, Message]:
    """Say that `phrasing` of the row stands in the other with another meaning, and in which column of the row."""
    column: Field = "question" if phrasing == row.entry.question else "similar"
    said = Message(
        "{phrasing} stands in {other} with {difference}",
        phrasing=named(row, excerpt(phrasing)),
        other=named(other, other.place.message),
        difference=_difference(meaning_of(row.entry), meaning_of(other.entry)),
    )
    return column, said


def named(row: CheckedRow, what: str) -> str:
    """Give `what` with the id of the row behind it where it has one of its own."""
    return Message("{what} (id {id})", what=what, id=excerpt(row.entry.id)) if row.has_own_id else what


def _difference(mine: Meaning, other: Meaning) -> Message:
    if mine.answer != other.answer:
        return Message("another answer")
    if mine.id_without_answer != other.id_without_answer:
        return Message("another id and no answer")
    return Message("the same answer but another enabled, valid_from or valid_until")
