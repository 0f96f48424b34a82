"""The JSON that tells of the service itself: what it serves, how it is set up, whether it is well."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from service import matching
from service.replies import ThresholdsReply, thresholds_reply


class KnowledgeBaseReply(BaseModel):
    """What is served under one name."""

    name: str = Field(description="Name of the knowledge base.", examples=["demo"])
    version: str | None = Field(description="The version now served.", examples=["20261124T101502-3f2a"])
    model: str | None = Field(description="The encoder.", examples=["question-encoder-zh-en@3f2a9c11d04e"])
    languages: list[str] = Field(description="Languages of the encoder.", examples=[["zh", "en"]])
    entries: int = Field(description="How many entries it has.", examples=[120])
    phrasings: int = Field(description="How many phrasings they have.", examples=[640])
    thresholds: ThresholdsReply = Field(description="Its thresholds.", examples=[{"answer": 0.8, "clarify": 0.4}])
    published_at: str | None = Field(
        description="When the version was published, RFC 3339 in UTC.", examples=["2026-11-24T10:15:02Z"]
    )
    problem: str | None = Field(description="Why the newest version is not served; null if it is.", examples=[None])

    @classmethod
    def of(cls, info: matching.KnowledgeBaseInfo) -> Self:
        """Give the JSON of `info`."""
        return cls(
            name=info.name,
            version=info.version,
            model=info.model,
            languages=list(info.languages),
            entries=info.entries,
            phrasings=info.phrasings,
            thresholds=thresholds_reply(info.thresholds),
            published_at=info.published_at,
            problem=info.problem,
        )


class KnowledgeBasesReply(BaseModel):
    """The knowledge bases that the key may query."""

    knowledge_bases: list[KnowledgeBaseReply] = Field(description="One a name, sorted.", examples=[[]])


class HealthReply(BaseModel):
    """The process is alive."""

    status: Literal["alive"] = Field(default="alive", description="Always the same.", examples=["alive"])


class ReadyReply(BaseModel):
    """Queries can be answered."""

    status: Literal["ready"] = Field(default="ready", description="Always the same.", examples=["ready"])
    problems: list[str] = Field(
        description="What an operator must look at although queries are answered, such as a new version that was "
        "refused while the one before it serves on.",
        examples=[[]],
    )


class InfoReply(BaseModel):
    """What answers here, and how it is set up."""

    version: str = Field(description="Version of faqmatch.", examples=["0.1.0"])
    models: list[str] = Field(
        description="Encoders of the knowledge bases that the key may query.",
        examples=[["question-encoder-zh-en@3f2a9c11d04e"]],
    )
    reranker: str | None = Field(
        description="The reranker that serves all of them; null: there is none.",
        examples=["question-reranker-zh-en@5b1d07c2e9aa"],
    )
    knowledge_bases: int = Field(description="How many knowledge bases the key may query.", examples=[1])
    threads: int = Field(description="Queries worked on side by side.", examples=[2])
    queue: int = Field(description="Requests that may wait for a thread.", examples=[64])
    deadline_ms: int = Field(description="Longest wait for a thread, in milliseconds.", examples=[2000])
    body_limit: int = Field(description="Largest request body, in bytes.", examples=[1048576])
    authentication: bool = Field(description="Whether a key is needed.", examples=[True])
