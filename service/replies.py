"""The JSON that a query brings back (DESIGN section 8)."""

from typing import Any, Final

from pydantic import BaseModel, Field

from service import matching

_DIGITS: Final = 6
"""Of each probability and similarity: float32 holds no more."""


class MatchReply(BaseModel):
    """An entry that was brought back."""

    id: str = Field(description="Id of the entry.", examples=["reset-password"])
    question: str = Field(description="Its standard question.", examples=["How do I reset my password?"])
    matched_phrasing: str = Field(
        description="The one of its phrasings that is nearest to what was asked.", examples=["I forgot my password"]
    )
    match_type: matching.MatchType = Field(
        description="What brought it back: its equal normal form, its vector, its words, or the vector of its answer.",
        examples=["dense"],
    )
    answer: str | None = Field(
        description="Its answer, verbatim; it may hold anything, markup included.", examples=["Open Settings ..."]
    )
    similarity: float | None = Field(
        description="Cosine of the two embeddings, -1 to 1; null where none was computed.", examples=[0.78]
    )
    affinity: float | None = Field(
        description="Probability of the interaction head, 0 to 1; null where there is none.", examples=[0.91]
    )
    relevance: float | None = Field(
        description="Probability of the cross-encoder, 0 to 1; null where it did not read this match.", examples=[0.96]
    )
    confidence: float = Field(
        description="Calibrated probability that this is the right entry, 0 to 1; thresholds act on it alone.",
        examples=[0.97],
    )
    tags: list[str] = Field(description="Its tags.", examples=[["account"]])
    metadata: dict[str, Any] = Field(description="Its further columns.", examples=[{"owner": "support"}])


class ThresholdsReply(BaseModel):
    """The thresholds that the decision was made with."""

    answer: float = Field(description="This confidence and above is answered.", examples=[0.8])
    clarify: float = Field(description="This confidence and above is offered as a suggestion.", examples=[0.4])


class QueryReply(BaseModel):
    """The decision on one question."""

    decision: matching.Decision = Field(
        description="`answer`: here it is; `clarify`: one of the matches may be meant; `reject`: no match.",
        examples=["answer"],
    )
    answer: str | None = Field(
        description="The stored answer, verbatim, when the decision is `answer`; on `reject` the default answer "
        "of the knowledge base, or null.",
        examples=["Open Settings ..."],
    )
    confidence: float = Field(description="Confidence of the best match, 0 to 1.", examples=[0.97])
    matches: list[MatchReply] = Field(
        description="The entries brought back, most confident first.",
        examples=[
            [
                {
                    "id": "reset-password",
                    "question": "How do I reset my password?",
                    "matched_phrasing": "I forgot my password",
                    "match_type": "dense",
                    "answer": "Open Settings ...",
                    "similarity": 0.78,
                    "affinity": 0.91,
                    "relevance": 0.96,
                    "confidence": 0.97,
                    "tags": ["account"],
                    "metadata": {"owner": "support"},
                }
            ]
        ],
    )
    thresholds: ThresholdsReply = Field(
        description="The thresholds that the decision was made with.", examples=[{"answer": 0.8, "clarify": 0.4}]
    )
    calibration: str = Field(
        description="What turned evidence into confidence: a map from similarity, or `relevance@` and the reranker, "
        "whose relevance is a probability.",
        examples=["default@1f0c"],
    )
    version: str = Field(description="Version of the knowledge base.", examples=["20261124T101502-3f2a"])
    model: str = Field(description="The encoder.", examples=["question-encoder-zh-en@3f2a9c11d04e"])
    reranked: int = Field(
        description="How many candidates a cross-encoder has read, those that are not shown included.", examples=[8]
    )
    degraded: bool = Field(
        description="Whether less was done than asked: a stage was left out, or the question was cut; see `notices`.",
        examples=[False],
    )
    notices: list[str] = Field(description="What else there is to know about this reply.", examples=[[]])
    timings_ms: dict[str, float] = Field(
        description="Milliseconds of each stage, and in total.",
        examples=[{"encode": 3.1, "retrieve": 0.3, "rerank": 41.0, "total": 45.2}],
    )
    request_id: str = Field(
        description="The id of the request: X-Request-ID as sent, or a new one.",
        examples=["6f1c0d6b5e0c4c0f9a54d9c8d3f7a2b1"],
    )
    explain: dict[str, Any] | None = Field(
        description="How the decision came about; null unless asked for.", examples=[None]
    )


class BatchReply(BaseModel):
    """A reply to each question, in the order of the questions."""

    results: list[QueryReply] = Field(description="One reply a question, in the same order.", examples=[[]])


def reply_of(result: matching.MatchResult, request_id: str) -> QueryReply:
    """Give the reply that tells a client of `result`."""
    return QueryReply(
        decision=result.decision,
        answer=result.answer,
        confidence=round(result.confidence, _DIGITS),
        matches=[_match_reply(match) for match in result.matches],
        thresholds=thresholds_reply(result.thresholds),
        calibration=result.calibration,
        version=result.version,
        model=result.model,
        reranked=result.reranked,
        degraded=result.degraded,
        notices=list(result.notices),
        timings_ms={stage: round(milliseconds, 3) for stage, milliseconds in result.timings_ms.items()},
        request_id=request_id,
        explain=None if result.explain is None else dict(result.explain),
    )


def thresholds_reply(thresholds: matching.Thresholds) -> ThresholdsReply:
    """Give the JSON of thresholds."""
    return ThresholdsReply(answer=thresholds.answer, clarify=thresholds.clarify)


def _match_reply(match: matching.Match) -> MatchReply:
    return MatchReply(
        id=match.entry.id,
        question=match.entry.question,
        matched_phrasing=match.matched_phrasing,
        match_type=match.match_type,
        answer=match.entry.answer,
        similarity=_rounded(match.similarity),
        affinity=_rounded(match.affinity),
        relevance=_rounded(match.relevance),
        confidence=round(match.confidence, _DIGITS),
        tags=list(match.entry.tags),
        metadata=dict(match.entry.metadata),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
