"""One query to one decision over one version: exact key, encode, retrieve, rank, thresholds."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.version import Version
from models.confidence import ConfidenceMap
from models.message import Message
from models.types import Encoder, InteractionHead, Vectors
from service.eligibility import Eligibility
from service.match_run import MatchRun
from service.matching import Decision, Match, MatchOptions, MatchResult, Thresholds
from service.ranking import Ranked, rank_by_relevance, rank_by_similarity
from service.reranking import MOST_RERANKED, Reranking
from service.retrieval import Candidate, retrieve

_ENTRIES_COMPARED: Final = 2
"""The margin to the runner-up needs two entries, however few the caller wants."""
_MOST_CHARACTERS_BESIDE_TEXT: Final = 16
"""More tokens than this are never added to a text by its prefix and the special tokens."""


def utc_now() -> datetime:
    """Give the time that validity windows are compared with."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class MatchingModels:
    """The models that queries of one version are matched with."""

    encoder: Encoder
    confidence: ConfidenceMap
    interaction: InteractionHead | None = None
    """Of this encoder."""
    reranking: Reranking = field(default_factory=Reranking)


class VersionMatcher:
    """Matches against one version; holds nothing that changes, so that any number of threads may use it."""

    def __init__(
        self,
        version: Version,
        models: MatchingModels,
        thresholds: Thresholds,
        default_answer: str | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.version = version
        self.thresholds = thresholds
        self._models = models
        self._reranking = models.reranking.for_questions_of(models.encoder.spec)
        self._default_answer = default_answer
        self._now = now
        self._eligibility = Eligibility(version.entries)
        self._entry_of_row = version.entry_of_row
        self._rows_of_key: dict[str, list[int]] = defaultdict(list)
        for row, phrasing in enumerate(version.phrasings):
            self._rows_of_key[phrasing.key].append(row)

    def match(self, query: str, options: MatchOptions) -> MatchResult:
        """Decide on `query`.

        Raises EncodingError when the network fails on it, NoReranker when reranking is asked for and there is none.
        """
        if options.rerank == "on":
            self._reranking.require()
        run = MatchRun(query, options.thresholds or self.thresholds)
        allowed = self._eligibility.entries(options.tags, self._now())
        matches = self._match_exactly(run, allowed)
        if not matches:
            matches = self._match_by_vector(run, allowed, options)
        run.lap("total", since_start=True)
        return self._decide(run, matches, options)

    def _match_exactly(self, run: MatchRun, allowed: NDArray[np.bool_] | None) -> list[Match]:
        """Give the entries that hold the query's key: sure of it when there is one, evenly unsure when several."""
        rows = [
            row for row in self._rows_of_key.get(run.key, ()) if allowed is None or allowed[self._entry_of_row[row]]
        ]
        return [self._to_match(row, confidence=1 / len(rows)) for row in rows]

    def _match_by_vector(self, run: MatchRun, allowed: NDArray[np.bool_] | None, options: MatchOptions) -> list[Match]:
        run.lap("normalise")
        vector = self._encode(run)
        run.lap("encode")
        allowed_rows = None if allowed is None else allowed[self._entry_of_row]
        wanted = max(options.top, MOST_RERANKED if options.rerank == "on" else _ENTRIES_COMPARED)
        run.candidates = retrieve(self.version.index, self._entry_of_row, vector, wanted, allowed_rows)
        run.lap("retrieve")
        if self._models.interaction:
            run.candidates = self._with_affinities(self._models.interaction, vector, run.candidates)
            run.lap("interaction")
        ranked = self._rerank(run) if options.rerank == "on" else self._rank(run)
        return [
            self._to_match(
                one.candidate.row,
                confidence=one.confidence,
                similarity=one.candidate.similarity,
                affinity=one.candidate.affinity,
                relevance=one.relevance,
            )
            for one in ranked[: options.top]
        ]

    def _encode(self, run: MatchRun) -> Vectors:
        encoder = self._models.encoder
        if len(run.text) + _MOST_CHARACTERS_BESIDE_TEXT > encoder.spec.max_tokens and (
            unread := encoder.count_overflow(run.text)
        ):
            run.notices.append(
                Message(
                    "the question is longer than the encoder reads: after {most} tokens, {unread} were left out",
                    most=encoder.spec.max_tokens,
                    unread=unread,
                )
            )
        return encoder.encode([run.text])

    def _with_affinities(
        self, head: InteractionHead, vector: Vectors, candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        rows = np.array([candidate.row for candidate in candidates], np.int64)
        affinities = head.affinities(vector[0], self.version.index.vectors(rows)).tolist()
        return [replace(one, affinity=affinity) for one, affinity in zip(candidates, affinities, strict=True)]

    def _rank(self, run: MatchRun) -> list[Ranked]:
        return rank_by_similarity(run.candidates, self._models.confidence)

    def _rerank(self, run: MatchRun) -> list[Ranked]:
        """Rank by relevance, or, with a notice, by similarity where the reranker cannot be used."""
        if not run.candidates:
            return []
        texts = [self.version.phrasings[candidate.row].text for candidate in run.candidates]
        judgement = self._reranking.judge(run.text, texts)
        run.lap("rerank")
        run.notices += [judgement.notice] if judgement.notice else []
        run.reranked = len(judgement.relevances)
        if not run.reranked:
            return self._rank(run)
        run.calibration = self._reranking.calibration
        return rank_by_relevance(run.candidates, judgement.relevances, self._models.confidence)

    def _to_match(
        self, row: int, *, confidence: float, similarity: float | None = None, **evidence: float | None
    ) -> Match:
        phrasing = self.version.phrasings[row]
        entry = self.version.entries[phrasing.entry]
        return Match(
            entry=entry,
            matched_phrasing=entry.phrasings[phrasing.phrasing],
            match_type="exact" if similarity is None else "dense",
            similarity=similarity,
            confidence=confidence,
            **evidence,
        )

    def _decide(self, run: MatchRun, matches: Sequence[Match], options: MatchOptions) -> MatchResult:
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
            calibration=run.calibration or self._models.confidence.label,
            version=self.version.manifest.version,
            model=self._models.encoder.spec.label,
            reranked=run.reranked,
            degraded=bool(run.notices),
            notices=tuple(run.notices),
            timings_ms=run.timings_ms,
            explain=run.explain(decision, matches, self.version.entries) if options.explain else None,
        )


def _decide(matches: Sequence[Match], confidence: float, thresholds: Thresholds) -> Decision:
    conflict = len(matches) > 1 and matches[0].match_type == "exact"
    if matches and not conflict and confidence >= thresholds.answer:
        return "answer"
    return "clarify" if conflict or (matches and confidence >= thresholds.clarify) else "reject"
