"""What can go wrong between a file of entries and a published version.

IndexerError
├── InputError            an input file cannot be read, or has rejected rows
├── VersionError          a version is missing, damaged or of a later format
├── EncoderMismatch       a version was built with another model than the one at hand
├── KnowledgeBaseError    a knowledge base is unknown, or its name is not allowed
├── PublishError          another publisher holds the knowledge base
└── HomeError             the data folder cannot be used: not writable, disk full
"""

from typing import Self

from indexer.complaint import Complaint
from models.message import Message


class IndexerError(Exception):
    """Base of all errors of this floor; its message is one line for the operator."""

    message: Message

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class InputError(IndexerError):
    """An input file cannot be read, or has rejected rows; `complaints` holds every one of them, in file order."""

    complaints: tuple[Complaint, ...]

    def __init__(self, first: Complaint, *more: Complaint) -> None:
        said = Message("{first} (and {more:,} more)", first=first.message, more=len(more)) if more else first.message
        super().__init__(said)
        self.complaints = (first, *more)

    def __reduce__(self) -> tuple[type[Self], tuple[Complaint, ...]]:
        """Give what makes the same error again, in another process."""
        return type(self), self.complaints


class VersionError(IndexerError):
    """A version is missing, damaged or of a later format."""


class EncoderMismatch(IndexerError):  # noqa: N818 - the name the design gives it
    """A version was built with another model: its vectors cannot be compared with this one's."""


class KnowledgeBaseError(IndexerError):
    """A knowledge base is unknown, or its name is not allowed."""


class PublishError(IndexerError):
    """Another publisher holds the lock of this knowledge base."""


class HomeError(IndexerError):
    """The data folder cannot be used: not writable, or the disk is full."""
