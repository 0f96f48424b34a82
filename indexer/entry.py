"""One FAQ, and the limits of its parts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from models import normalise

MAX_ID_CHARACTERS = 200
MAX_PHRASING_CHARACTERS = 1_000
MAX_PHRASINGS = 1_000
MAX_ANSWER_CHARACTERS = 100_000
MAX_TAG_CHARACTERS = 100
MAX_METADATA_BYTES = 64_000
"""Of the metadata as JSON in UTF-8."""
MAX_METADATA_DEPTH = 32
"""Lists and objects inside one another; far below what the JSON library can write again."""

_DERIVED_ID_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One FAQ: what is asked, in all its phrasings, and the answer, verbatim.

    `answer` is None for bots that keep the answers themselves and only want the id. `metadata` holds JSON values.
    Times are kept in UTC, and one given without a time zone is taken as UTC.
    """

    id: str
    question: str
    similar: tuple[str, ...] = ()
    answer: str | None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    enabled: bool = True
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "valid_from", None if self.valid_from is None else in_utc(self.valid_from))
        object.__setattr__(self, "valid_until", None if self.valid_until is None else in_utc(self.valid_until))

    @property
    def phrasings(self) -> tuple[str, ...]:
        """The standard question first, then the similar ones."""
        return (self.question, *self.similar)

    def is_live(self, now: datetime) -> bool:
        """Say whether the entry may answer at `now` (with a time zone): enabled, valid_from <= now < valid_until."""
        begun = self.valid_from is None or self.valid_from <= now
        ended = self.valid_until is not None and self.valid_until <= now
        return self.enabled and begun and not ended

    def to_json(self) -> dict[str, Any]:
        """Give the line of entries.jsonl, ready for `json.dumps`."""
        return {
            "id": self.id,
            "question": self.question,
            "similar": list(self.similar),
            "answer": self.answer,
            "tags": list(self.tags),
            "metadata": dict(self.metadata),
            "enabled": self.enabled,
            "valid_from": _to_iso(self.valid_from),
            "valid_until": _to_iso(self.valid_until),
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave. No operator's input: that goes through `read_entries`."""
        return cls(
            id=line["id"],
            question=line["question"],
            similar=tuple(line["similar"]),
            answer=line["answer"],
            tags=tuple(line["tags"]),
            metadata=line["metadata"],
            enabled=line["enabled"],
            valid_from=_from_iso(line["valid_from"]),
            valid_until=_from_iso(line["valid_until"]),
        )


def derive_id(question: str) -> str:
    """Give the id of an entry that came without one: the same for every spelling that has the same key."""
    return id_of_key(normalise.key(question))


def id_of_key(key: str) -> str:
    """Do as `derive_id`, where the key of the question is already known."""
    return hashlib.sha256(key.encode()).hexdigest()[:_DERIVED_ID_DIGITS]


def in_utc(time: datetime) -> datetime:
    """Give the same moment in UTC. Raises OverflowError beside the ends of the calendar."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _to_iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _from_iso(time: str | None) -> datetime | None:
    return None if time is None else datetime.fromisoformat(time)
