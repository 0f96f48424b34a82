"""What one match gathers on its way: the forms of the query, times, notices, and how the decision came about."""

import time
from collections.abc import Sequence
from typing import Any

from indexer.entry import Entry
from models import normalise
from models.message import Message
from service.matching import Decision, Match, Thresholds
from service.retrieval import Candidate


class MatchRun:
    """One match, from the query to what is told beside its result."""

    def __init__(self, query: str, thresholds: Thresholds) -> None:
        self._start = self._last = time.perf_counter()
        self.text, self.key = normalise.text(query), normalise.key(query)
        self.thresholds = thresholds
        self.candidates: Sequence[Candidate] = ()
        """As retrieved, best similarity first."""
        self.calibration: str | None = None
        """What the confidences come from, where it is not the encoder's map."""
        self.reranked = 0
        self.notices: list[Message] = []
        """What was left out, each of them a reason to call the result degraded."""
        self.timings_ms: dict[str, float] = {}

    def lap(self, stage: str, *, since_start: bool = False) -> None:
        """Record what the stage that ends here took."""
        now = time.perf_counter()
        self.timings_ms[stage] = (now - (self._start if since_start else self._last)) * 1000
        self._last = now

    def explain(self, decision: Decision, matches: Sequence[Match], entries: Sequence[Entry]) -> dict[str, Any]:
        """Say how the decision came about; runner-up and margin are those of similarity."""
        confidence = matches[0].confidence if matches else 0.0
        runner_up = entries[self.candidates[1].entry].id if len(self.candidates) > 1 else None
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
