"""What can go wrong between a file of entries and a published version.

IndexerError
├── InputError            an input file cannot be read, or has rejected rows
├── VersionError          a version is missing, damaged or of a later format
├── EncoderMismatch       a version was built with another model than the one at hand
├── KnowledgeBaseError    a knowledge base is unknown, or its name is not allowed
├── PublishError          another publisher holds the knowledge base
└── HomeError             the data folder cannot be used: not writable, disk full
"""

from indexer.complaint import Complaint


class IndexerError(Exception):
    """Base of all errors of this floor; its message is one line for the operator."""


class InputError(IndexerError):
    """An input file cannot be read, or has rejected rows; `complaints` holds every one of them, in file order."""

    complaints: tuple[Complaint, ...]

    def __init__(self, first: Complaint, *more: Complaint) -> None:
        super().__init__(first, *more)
        self.complaints = (first, *more)

    def __str__(self) -> str:
        """Give the first complaint, and how many more there are."""
        first, *more = self.complaints
        return f"{first} (and {len(more):,} more)" if more else str(first)


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
