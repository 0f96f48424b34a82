import pytest
from pydantic import ValidationError

from service.matching import MatchOptions, Thresholds
from service.schemas import BatchRequest, QueryRequest


def test_a_question_alone_takes_the_defaults():
    assert QueryRequest(question="q").to_match_options() == MatchOptions(top=5)


def test_options_become_what_the_matcher_understands():
    request = QueryRequest.model_validate(
        {
            "question": "q",
            "top": 1,
            "filters": {"tags": ["a"]},
            "thresholds": {"answer": 1, "clarify": 1},
            "explain": True,
        }
    )
    assert request.to_match_options() == MatchOptions(
        top=1, tags=("a",), thresholds=Thresholds(answer=1, clarify=1), explain=True
    )


@pytest.mark.parametrize("question", ["a", "x" * 1000, "我", "😀", " a ", "?"])
def test_a_question_of_1_to_1000_characters_is_taken_as_it_is(question):
    assert QueryRequest(question=question).question == question


@pytest.mark.parametrize("question", ["", " ", "\t\n", "\u200b", "\ufeff\u3000", "x" * 1001, "\x01", "a\0", "\udc80"])
def test_a_blank_a_long_and_a_broken_question_are_refused(question):
    with pytest.raises(ValidationError):
        QueryRequest(question=question)
    with pytest.raises(ValidationError):
        BatchRequest(questions=["fine", question])


@pytest.mark.parametrize(
    "options",
    [
        {"top": 0},
        {"top": 101},
        {"top": 5.0},
        {"top": "5"},
        {"top": True},
        {"explain": 1},
        {"explain": "yes"},
        {"budget_ms": 10_001},
        {"rerank": None},
        {"filters": {"tags": ["a"] * 51}},
        {"filters": {"tags": "a"}},
        {"thresholds": {"answer": 0.5}},
        {"thresholds": {"answer": 0.5, "clarify": 0.6}},
        {"thresholds": {"answer": float("nan"), "clarify": 0.1}},
        {"thresholds": {"answer": float("inf"), "clarify": 0.1}},
        {"thresholds": {"answer": "0.5", "clarify": 0.1}},
        {"session_id": "x" * 201},
        {"session_id": 7},
        {"query": "q"},
    ],
)
def test_an_option_that_is_out_of_range_of_another_type_or_unknown_is_refused(options):
    with pytest.raises(ValidationError) as raised:
        QueryRequest.model_validate({"question": "q", **options})
    assert raised.value.error_count() == 1
