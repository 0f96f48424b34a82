"""The order of candidates, and how sure each may be: by similarity, or its head by relevance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.confidence import ConfidenceMap
from service.retrieval import Candidate


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A candidate in its place, with its calibrated probability of being the right one."""

    candidate: Candidate
    confidence: float
    relevance: float | None = None


def rank_by_similarity(candidates: Sequence[Candidate], confidence: ConfidenceMap) -> list[Ranked]:
    """Keep the order of similarity, descending."""
    similarities = np.array([candidate.similarity for candidate in candidates], np.float32)
    return [
        Ranked(candidate=candidate, confidence=sure)
        for candidate, sure in zip(candidates, confidence.confidences(similarities).tolist(), strict=True)
    ]


def rank_by_relevance(
    candidates: Sequence[Candidate], relevances: NDArray[np.float32], confidence: ConfidenceMap
) -> list[Ranked]:
    """Put the first candidates, those of `relevances`, (m,), into the order of it; ties keep that of similarity.

    Relevance is a probability already, and so the confidence. Those behind keep their order, and are at most as sure
    as the last one before them: nothing has shown that they are better.
    """
    by_similarity = rank_by_similarity(candidates, confidence)
    judged = [
        replace(one, confidence=relevance, relevance=relevance)
        for one, relevance in zip(by_similarity, relevances.tolist(), strict=False)
    ]
    judged.sort(key=lambda one: -one.confidence)
    least = judged[-1].confidence if judged else 1.0
    return judged + [replace(one, confidence=min(one.confidence, least)) for one in by_similarity[len(judged) :]]
