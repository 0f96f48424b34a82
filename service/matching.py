"""The values that travel between the matcher and its callers, and the two seams they travel through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from indexer.entry import Entry

Decision = Literal["answer", "clarify", "reject"]

Rerank = Literal["auto", "on", "off"]
"""Whether the cross-encoder judges the first candidates; `auto` leaves it to the service, which does not today."""

MatchType = Literal["exact", "dense", "lexical", "answer"]
"""What brought an entry back: its equal key, its vector, its words, or the vector of its answer."""


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where confidence becomes a decision: `answer` and above is answered, `clarify` and above is offered.

    Raises ValueError unless 0 <= clarify <= answer <= 1.
    """

    answer: float = 0.8
    clarify: float = 0.4

    def __post_init__(self) -> None:
        if not 0 <= self.clarify <= self.answer <= 1:
            given = f"clarify {self.clarify}, answer {self.answer}"
            raise ValueError(f"thresholds must be 0 <= clarify <= answer <= 1, got {given}")


@dataclass(frozen=True, kw_only=True)
class MatchOptions:
    """What a caller may ask of one match."""

    top: int = 5
    tags: tuple[str, ...] = ()
    """Entries that hold any of these tags; empty = all entries."""
    thresholds: Thresholds | None = None
    """None = the knowledge base's own."""
    rerank: Rerank = "auto"
    explain: bool = False


@dataclass(frozen=True, kw_only=True)
class Match:
    """An entry that was brought back, and how sure we are that it is the right one."""

    entry: Entry
    matched_phrasing: str
    match_type: MatchType
    similarity: float | None
    """Cosine, -1..1; None where no vector was compared."""
    affinity: float | None = None
    """Of the interaction head, 0..1."""
    relevance: float | None = None
    """Of the cross-encoder, 0..1."""
    confidence: float
    """Calibrated, 0..1: the only number that thresholds act on."""


@dataclass(frozen=True, kw_only=True)
class MatchResult:
    """The decision on one question, the entries behind it (descending confidence) and what it was made with."""

    decision: Decision
    answer: str | None
    confidence: float
    matches: tuple[Match, ...]
    thresholds: Thresholds
    calibration: str
    version: str
    model: str
    reranked: int = 0
    """How many candidates the cross-encoder has judged, those that are not shown included."""
    degraded: bool = False
    """True where less was done than asked: a stage was left out, or the question was cut; `notices` says which."""
    notices: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Stage name to milliseconds, with `total`."""
    explain: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class KnowledgeBaseInfo:
    """What is served under one name."""

    name: str
    version: str | None
    """None while nothing is served, with `problem` saying why."""
    model: str | None
    languages: tuple[str, ...]
    """Of the encoder."""
    entries: int
    phrasings: int
    thresholds: Thresholds
    published_at: str | None
    """RFC 3339, UTC."""
    problem: str | None = None
    """One line why the newest version is not served, without paths: it is shown to clients."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether queries can be answered, and if not, why; problems are one line each, without paths."""

    ready: bool
    problems: tuple[str, ...] = ()


class Matcher(Protocol):
    """One query to one decision, over one version; safe to call from several threads at once."""

    def match(self, query: str, options: MatchOptions) -> MatchResult:
        """Decide on `query`. Plain synchronous Python. Raises NoReranker where `options` ask for one in vain."""
        ...


class KnowledgeBases(Protocol):
    """The registry of what is being served; every method returns at once, whatever is being loaded."""

    def names(self) -> Sequence[str]:
        """Name the knowledge bases, sorted."""
        ...

    def matcher(self, kb: str) -> Matcher:
        """Give the matcher of the version now served: a request keeps the one it got.

        Raises UnknownKnowledgeBase, or NotReady where no version of it can be served yet.
        """
        ...

    def describe(self, kb: str) -> KnowledgeBaseInfo:
        """Say what is served under `kb`. Raises UnknownKnowledgeBase."""
        ...

    def reranker(self) -> str | None:
        """Name the reranker that is loaded; None where there is none."""
        ...

    def readiness(self) -> Readiness:
        """Say whether queries can be answered."""
        ...
