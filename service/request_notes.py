"""What is known of one request while it is on its way: its id, and the facts its log line will hold."""

from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

_KEY: Final = "request_notes"


@dataclass(kw_only=True)
class RequestNotes:
    """Written by whoever learns something, read once when the request is over."""

    request_id: str
    facts: dict[str, object] = field(default_factory=dict)
    """Such as kb, decision, confidence, version."""


def open_notes(scope: Scope, request_id: str) -> RequestNotes:
    """Begin the notes of a request."""
    notes = RequestNotes(request_id=request_id)
    scope.setdefault("state", {})[_KEY] = notes
    return notes


def notes_of(scope: Scope) -> RequestNotes:
    """Give the notes of a request that the request log has begun."""
    notes = scope["state"][_KEY]
    assert isinstance(notes, RequestNotes)
    return notes
