"""Reranking as the matcher sees it: the reranker of this process, or why there is none, and what it says of a query."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import RerankingError
from models.message import Message
from models.types import EncoderSpec, Reranker
from service.errors import NoReranker

MOST_RERANKED: Final = 10
"""Candidates that are judged, however many are wanted."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the reranker says of a query's first candidates."""

    relevances: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    """(n,), a probability each; empty where nothing could be judged."""
    notice: Message | None = None
    """What was left out."""


@dataclass(frozen=True, kw_only=True)
class Reranking:
    """A reranker, or the problem of the one that was chosen; with neither, the reason why none was."""

    reranker: Reranker | None = None
    problem: Message | None = None
    """One line without paths: it is shown to clients."""
    absence: Message = field(default_factory=lambda: Message("this service was started without a reranker"))

    @property
    def label(self) -> str | None:
        """Name the reranker."""
        return self.reranker.spec.label if self.reranker else None

    @property
    def calibration(self) -> str | None:
        """Name what makes its relevance a probability: the reranker itself, whose temperature was fitted."""
        return f"relevance@{self.reranker.spec.digest[:12]}" if self.reranker else None

    def for_questions_of(self, encoder: EncoderSpec) -> "Reranking":
        """Give it as it is, or none where the reranker does not read every language of the encoder."""
        if self.reranker is None or set(encoder.languages) <= set(self.reranker.spec.languages):
            return self
        reads, needed = (", ".join(languages) for languages in (self.reranker.spec.languages, encoder.languages))
        absence = Message(
            "the reranker {model} reads {languages}, the encoder of this knowledge base {needed}",
            model=self.reranker.spec.label,
            languages=reads,
            needed=needed,
        )
        return Reranking(absence=absence)

    def require(self) -> None:
        """Raise NoReranker where there is none; one that was chosen and cannot be used is a problem, not a refusal."""
        if self.reranker is None and self.problem is None:
            raise NoReranker(
                Message(
                    "{reason}: ask with rerank auto or off, or name a reranker with the setting reranker "
                    "(FAQMATCH_RERANKER, --reranker)",
                    reason=self.absence,
                )
            )

    def judge(self, query: str, candidates: Sequence[str]) -> Judgement:
        """Judge the first candidates, best first, all texts in the normal form `text`; where it fails, none of them."""
        head = candidates[:MOST_RERANKED]
        if self.reranker is None:
            return Judgement(
                notice=Message("the reranker cannot be used, /readyz says why: the order is that of similarity")
            )
        spec = self.reranker.spec
        try:
            relevances = self.reranker.relevance(query, head)
        except RerankingError:
            failed = Message(
                "the reranker {model} failed on this question: the order is that of similarity", model=spec.label
            )
            return Judgement(notice=failed)
        if any(self.reranker.is_cut(query, candidate) for candidate in head):
            cut = Message(
                "the question and a candidate are longer together than the reranker reads: "
                "after {most} tokens, the rest of the longer one was left out",
                most=spec.max_tokens,
            )
            return Judgement(relevances=relevances, notice=cut)
        return Judgement(relevances=relevances)
