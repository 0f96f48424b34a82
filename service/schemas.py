"""The JSON that clients send (DESIGN section 8): nothing is guessed, and all that is wrong is told at once."""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models import normalise
from service import matching

_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # JSON can write half of a pair, UTF-8 cannot


def _is_text(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "holds the character U+0000, which is no text")
    if _SURROGATE.search(text):
        raise PydanticCustomError("surrogate", "holds a lone surrogate, which is no text")
    return text


def _not_blank(question: str) -> str:
    if not normalise.text(question):
        raise PydanticCustomError("blank", "is blank; a question has at least one visible character")
    return question


Text = Annotated[str, AfterValidator(_is_text)]
Question = Annotated[Text, Field(min_length=1, max_length=1000), AfterValidator(_not_blank)]
ClientId = Annotated[Text, Field(max_length=200)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _Request(BaseModel):
    """Nothing is guessed: an unknown field, and a number where a text belongs, are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Filters(_Request):
    """Which entries may be brought back."""

    tags: list[Text] = Field(
        default=[],
        max_length=50,
        description="Entries that hold any of these tags; empty: all.",
        examples=[["account"]],
    )


class ThresholdsBody(_Request):
    """Where confidence becomes a decision."""

    answer: Probability = Field(description="This confidence and above is answered.", examples=[0.8])
    clarify: Probability = Field(
        description="This confidence and above is offered as a suggestion; at most `answer`.", examples=[0.4]
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.clarify > self.answer:
            raise PydanticCustomError("order", "clarify must be at most answer")
        return self


class QueryOptions(_Request):
    """What a single query and a batch have in common."""

    top: int = Field(default=5, ge=1, le=100, description="How many matches to give at most.", examples=[5])
    rerank: matching.Rerank = Field(
        default="auto",
        description="`on`: a cross-encoder reads the first 10 candidates together with the question and puts them "
        "into its own order; 422 where the service has none for the knowledge base. `off`: it does not. `auto`: the "
        "service decides; today it does not.",
        examples=["auto"],
    )
    budget_ms: int = Field(
        default=200,
        ge=1,
        le=10_000,
        description="Milliseconds that the query may take, reranking included. Accepted, without effect today.",
        examples=[200],
    )
    filters: Filters = Field(
        default=Filters(), description="Which entries may be brought back.", examples=[{"tags": ["account"]}]
    )
    thresholds: ThresholdsBody | None = Field(
        default=None,
        description="Thresholds for this request; null: the knowledge base's own.",
        examples=[{"answer": 0.8, "clarify": 0.4}],
    )
    explain: bool = Field(default=False, description="Show in `explain` how the decision came about.", examples=[False])
    user_id: ClientId | None = Field(
        default=None,
        description="Who asks, in the words of the caller; it changes nothing in the reply.",
        examples=["u1"],
    )
    session_id: ClientId | None = Field(
        default=None, description="The conversation this belongs to; it changes nothing in the reply.", examples=["s1"]
    )

    def to_match_options(self) -> matching.MatchOptions:
        """Give what the matcher understands of it."""
        own = self.thresholds
        return matching.MatchOptions(
            top=self.top,
            tags=tuple(self.filters.tags),
            thresholds=None if own is None else matching.Thresholds(answer=own.answer, clarify=own.clarify),
            rerank=self.rerank,
            explain=self.explain,
        )


class QueryRequest(QueryOptions):
    """One question."""

    question: Question = Field(
        description="What the user asks, 1 to 1000 characters, not blank.", examples=["i forgot my pass word"]
    )


class BatchRequest(QueryOptions):
    """Several questions with the same options."""

    questions: list[Question] = Field(
        min_length=1,
        max_length=64,
        description="What the users ask, 1 to 64 questions; the replies come in the same order.",
        examples=[["i forgot my pass word", "where is my parcel?"]],
    )
