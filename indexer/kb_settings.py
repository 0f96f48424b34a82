"""`kb.json`: what an operator decides for one knowledge base."""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import KnowledgeBaseError
from models.message import Message


@dataclass(frozen=True, kw_only=True)
class KnowledgeBaseSettings:
    """The settings of one knowledge base. None means the default of faqmatch."""

    name: str
    encoder: str | None = None
    """Model name or folder for the next index."""
    answer_threshold: float | None = None
    clarify_threshold: float | None = None
    default_answer: str | None = None
    """Given with every `reject`."""


def check_settings(file: Path, name: str, raw: object) -> KnowledgeBaseSettings:
    """Give the settings of the knowledge base `name` that a file holds as JSON.

    KnowledgeBaseError names the wrong field and what is allowed.
    """
    if not isinstance(raw, dict):
        raise KnowledgeBaseError(Message("{file}: must hold one JSON object", file=file))
    unknown = sorted(set(raw) - set(KnowledgeBaseSettings.__dataclass_fields__))
    if unknown:
        allowed = ", ".join(KnowledgeBaseSettings.__dataclass_fields__)
        raise KnowledgeBaseError(
            Message("{file}: unknown field {field} (allowed: {allowed})", file=file, field=unknown[0], allowed=allowed)
        )
    for field in ("encoder", "default_answer"):
        if not isinstance(raw.get(field), str | None):
            raise KnowledgeBaseError(Message("{file}: {field} must be a text or null", file=file, field=field))
    answer, clarify = raw.get("answer_threshold"), raw.get("clarify_threshold")
    for field, value in (("answer_threshold", answer), ("clarify_threshold", clarify)):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and 0 <= value <= 1):
            raise KnowledgeBaseError(
                Message("{file}: {field} must be a number from 0 to 1, or null", file=file, field=field)
            )
    if answer is not None and clarify is not None and clarify > answer:
        said = Message(
            "{file}: clarify_threshold {clarify} is above answer_threshold {answer}",
            file=file,
            clarify=clarify,
            answer=answer,
        )
        raise KnowledgeBaseError(said)
    return KnowledgeBaseSettings(**{**raw, "name": name})
