"""What this floor refuses, and why.

ServiceError
├── StartError                 the service cannot start as it is set up
│   ├── SettingsError          a setting is unknown or out of range
│   └── BindError              the address cannot be bound, or must not be
└── Refusal                    one request is refused; service/problems.py gives each its status
    ├── MalformedBody          the body is no JSON
    ├── Unauthenticated        no key, or a wrong one
    ├── Forbidden              the key lacks the scope or the knowledge base
    ├── UnknownKnowledgeBase   nothing is served under that name
    ├── BodyTooLarge           the body is over the limit
    ├── UnsupportedMediaType   the body is of another content type
    ├── NoReranker             reranking is asked for, and there is nothing to do it with
    ├── QueueFull              all permits are out
    ├── DeadlineExceeded       the request waited longer than it may
    ├── ClientGone             the client hung up before its answer
    └── NotReady               no version can be served yet
"""

from typing import ClassVar

from models.message import Message


class ServiceError(Exception):
    """Base of all errors of this floor; its message is one line for whoever made the mistake."""


class StartError(ServiceError):
    """The service cannot start as it is set up."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class SettingsError(StartError):
    """A setting is unknown or out of range."""


class BindError(StartError):
    """The address cannot be bound, or must not be without keys."""


class Refusal(ServiceError):  # noqa: N818  (its leaves are named by what is wrong: QueueFull, NotReady)
    """One request is refused; the message is shown to the client."""

    pointer: ClassVar[str | None] = None
    """JSON pointer of the field that is refused, where it is one."""


class MalformedBody(Refusal):
    """The body is no JSON."""


class Unauthenticated(Refusal):
    """No key was given, or one that is not known."""


class Forbidden(Refusal):
    """The key lacks the scope, or does not cover the knowledge base."""


class UnknownKnowledgeBase(Refusal):
    """Nothing is served under that name."""


class BodyTooLarge(Refusal):
    """The body is over the limit."""


class UnsupportedMediaType(Refusal):
    """The body is of another content type than the route reads."""


class NoReranker(Refusal):
    """Reranking is asked for, and there is nothing to do it with."""

    pointer = "#/rerank"

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class QueueFull(Refusal):
    """All permits are out: as many requests wait as may wait."""


class DeadlineExceeded(Refusal):
    """The request waited for a worker longer than it may."""


class ClientGone(Refusal):
    """The client hung up before its answer; nobody reads this, but the log counts it."""


class NotReady(Refusal):
    """No version can be served yet."""
