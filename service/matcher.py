"""One query to one decision over one version: exact key, encode, retrieve, fold, confidence, thresholds."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.version import Version
from models import normalise
from models.confidence import ConfidenceMap
from models.message import Message
from models.types import Encoder
from service.matching import Decision, Match, MatchOptions, MatchResult, Thresholds

_FIRST_SEARCH = 32
"""Rows asked for at first; doubled until enough entries are in hand."""
_ENTRIES_COMPARED = 2
"""The margin to the runner-up needs two entries, however few the caller wants."""
_MOST_CHARACTERS_BESIDE_TEXT = 16
"""More tokens than this are never added to a text by its prefix and the special tokens."""


def utc_now() -> datetime:
    """Give the time that validity windows are compared with."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    entry: int
    row: int
    similarity: float


class VersionMatcher:
    """Matches against one version; holds nothing that changes, so that any number of threads may use it."""

    def __init__(
        self,
        version: Version,
        encoder: Encoder,
        confidence: ConfidenceMap,
        thresholds: Thresholds,
        default_answer: str | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.version = version
        self.thresholds = thresholds
        self._encoder = encoder
        self._confidence = confidence
        self._default_answer = default_answer
        self._now = now
        self._eligibility = Eligibility(version)
        self._entry_of_row = version.entry_of_row
        self._rows_of_key: dict[str, list[int]] = defaultdict(list)
        for row, phrasing in enumerate(version.phrasings):
            self._rows_of_key[phrasing.key].append(row)

    def match(self, query: str, options: MatchOptions) -> MatchResult:
        """Decide on `query`; EncodingError when the network fails on it."""
        run = _Run(query, options.thresholds or self.thresholds)
        allowed = self._eligibility.entries(options.tags, self._now())
        matches = self._match_exactly(run, allowed)
        if not matches:
            matches = self._match_by_vector(run, allowed, options.top)
        run.lap("total", since_start=True)
        return self._decide(run, matches, options)

    def _match_exactly(self, run: "_Run", allowed: NDArray[np.bool_] | None) -> list[Match]:
        """Give the entries that hold the query's key: sure of it when there is one, evenly unsure when several."""
        rows = [
            row for row in self._rows_of_key.get(run.key, ()) if allowed is None or allowed[self._entry_of_row[row]]
        ]
        return [self._to_match(row, confidence=1 / len(rows)) for row in rows]

    def _match_by_vector(self, run: "_Run", allowed: NDArray[np.bool_] | None, top: int) -> list[Match]:
        run.lap("normalise")
        if len(run.text) + _MOST_CHARACTERS_BESIDE_TEXT > self._encoder.spec.max_tokens:
            run.unread = self._encoder.count_overflow(run.text)
        vector = self._encoder.encode([run.text])
        run.lap("encode")
        allowed_rows = None if allowed is None else allowed[self._entry_of_row]
        run.candidates = self._retrieve(vector, max(top, _ENTRIES_COMPARED), allowed_rows)
        run.lap("retrieve")
        similarities = np.array([candidate.similarity for candidate in run.candidates], np.float32)
        confidences = self._confidence.confidences(similarities)
        return [
            self._to_match(candidate.row, confidence=float(confidence), similarity=candidate.similarity)
            for candidate, confidence in zip(run.candidates[:top], confidences, strict=False)
        ]

    def _retrieve(
        self, vector: NDArray[np.float32], wanted: int, allowed_rows: NDArray[np.bool_] | None
    ) -> list[_Candidate]:
        """Fold the nearest phrasings to entries, best phrasing first, until `wanted` entries are in hand."""
        available = len(self._entry_of_row) if allowed_rows is None else int(allowed_rows.sum())
        count = min(max(_FIRST_SEARCH, 2 * wanted), available)
        while count:
            similarities, rows = self.version.index.search(vector, count, allowed_rows)
            folded: dict[int, _Candidate] = {}
            for row, similarity in zip(rows[0].tolist(), similarities[0].tolist(), strict=True):
                if row >= 0:
                    entry = int(self._entry_of_row[row])
                    folded.setdefault(entry, _Candidate(entry=entry, row=row, similarity=similarity))
            if len(folded) >= wanted or count == available:
                return list(folded.values())[:wanted]
            count = min(2 * count, available)
        return []

    def _to_match(self, row: int, *, confidence: float, similarity: float | None = None) -> Match:
        phrasing = self.version.phrasings[row]
        entry = self.version.entries[phrasing.entry]
        return Match(
            entry=entry,
            matched_phrasing=entry.phrasings[phrasing.phrasing],
            match_type="exact" if similarity is None else "dense",
            similarity=similarity,
            confidence=confidence,
        )

    def _decide(self, run: "_Run", matches: Sequence[Match], options: MatchOptions) -> MatchResult:
        confidence = matches[0].confidence if matches else 0.0
        decision = _decide(matches, confidence, run.thresholds)
        answers: dict[Decision, str | None] = {
            "answer": matches[0].entry.answer if matches else None,
            "clarify": None,
            "reject": self._default_answer,
        }
        return MatchResult(
            decision=decision,
            answer=answers[decision],
            confidence=confidence,
            matches=tuple(matches[: options.top]),
            thresholds=run.thresholds,
            calibration=self._confidence.label,
            version=self.version.manifest.version,
            model=self._encoder.spec.label,
            degraded=run.unread > 0,
            notices=run.notices(self._encoder.spec.max_tokens),
            timings_ms=run.timings_ms,
            explain=run.explain(decision, matches, self.version) if options.explain else None,
        )


class Eligibility:
    """Which entries may answer: tags, enabled, validity window."""

    def __init__(self, version: Version) -> None:
        entries = version.entries
        self._count = len(entries)
        self._entries_of_tag: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            for tag in entry.tags:
                self._entries_of_tag[tag].append(number)
        self._enabled = np.array([entry.enabled for entry in entries], bool)
        self._from = np.array([e.valid_from.timestamp() if e.valid_from else -np.inf for e in entries])
        self._until = np.array([e.valid_until.timestamp() if e.valid_until else np.inf for e in entries])
        self._always_all = bool(
            self._enabled.all() and np.isneginf(self._from).all() and np.isposinf(self._until).all()
        )

    def entries(self, tags: Sequence[str], now: datetime) -> NDArray[np.bool_] | None:
        """Give a mask over the entries, those that carry any of `tags` (none: all) and are live; None = all."""
        if not tags and self._always_all:
            return None
        moment = now.timestamp()
        allowed: NDArray[np.bool_] = self._enabled & (self._from <= moment) & (moment < self._until)
        if tags:
            tagged = np.zeros(self._count, bool)
            for tag in tags:
                tagged[self._entries_of_tag.get(tag, [])] = True
            allowed &= tagged
        return allowed


def _decide(matches: Sequence[Match], confidence: float, thresholds: Thresholds) -> Decision:
    conflict = len(matches) > 1 and matches[0].match_type == "exact"
    if matches and not conflict and confidence >= thresholds.answer:
        return "answer"
    return "clarify" if conflict or (matches and confidence >= thresholds.clarify) else "reject"


class _Run:
    """What one match gathers on its way."""

    def __init__(self, query: str, thresholds: Thresholds) -> None:
        self._start = self._last = time.perf_counter()
        self.text, self.key = normalise.text(query), normalise.key(query)
        self.thresholds = thresholds
        self.candidates: list[_Candidate] = []
        self.timings_ms: dict[str, float] = {}
        self.unread = 0
        """Tokens behind the encoder's limit."""

    def lap(self, stage: str, *, since_start: bool = False) -> None:
        """Record what the stage that ends here took."""
        now = time.perf_counter()
        self.timings_ms[stage] = (now - (self._start if since_start else self._last)) * 1000
        self._last = now

    def notices(self, max_tokens: int) -> tuple[str, ...]:
        """Say what was left out."""
        if not self.unread:
            return ()
        return (
            Message(
                "the question is longer than the encoder reads: after {most} tokens, {unread} were left out",
                most=max_tokens,
                unread=self.unread,
            ),
        )

    def explain(self, decision: Decision, matches: Sequence[Match], version: Version) -> dict[str, Any]:
        """Say how the decision came about."""
        confidence = matches[0].confidence if matches else 0.0
        runner_up = version.entries[self.candidates[1].entry].id if len(self.candidates) > 1 else None
        margin = self.candidates[0].similarity - self.candidates[1].similarity if runner_up else None
        return {
            "text": self.text,
            "key": self.key,
            "exact": bool(matches) and matches[0].match_type == "exact",
            "runner_up": runner_up,
            "margin": margin,
            "reason": _reason(decision, matches, confidence, self.thresholds),
        }


def _reason(decision: Decision, matches: Sequence[Match], confidence: float, thresholds: Thresholds) -> Message:
    if not matches:
        return Message("no entry may answer: none carries the tags, is enabled and is valid now")
    if matches[0].match_type == "exact":
        if decision == "answer":
            return Message("the key of a phrasing is equal")
        return Message("several entries hold this very question")
    numbers = {"confidence": confidence, "answer": thresholds.answer, "clarify": thresholds.clarify}
    if decision == "answer":
        return Message("confidence {confidence:.3f} reaches the answer threshold {answer}", **numbers)
    if decision == "clarify":
        return Message("confidence {confidence:.3f} lies between the thresholds {clarify} and {answer}", **numbers)
    return Message("confidence {confidence:.3f} is below the clarify threshold {clarify}", **numbers)
