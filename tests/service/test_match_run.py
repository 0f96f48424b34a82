import time

import pytest

from indexer.entry import Entry
from models import normalise
from service.match_run import MatchRun
from service.matching import Match, Thresholds
from service.retrieval import Candidate

ENTRIES = [Entry(id=name, question=name, answer="A") for name in ("first", "second")]


def a_match(confidence: float, match_type="dense") -> Match:
    return Match(
        entry=ENTRIES[0], matched_phrasing="first", match_type=match_type, similarity=0.5, confidence=confidence
    )


def test_a_query_is_held_in_both_normal_forms():
    run = MatchRun(" 怎麼 登錄？ ", Thresholds())
    assert (run.text, run.key) == ("怎么 登录?", normalise.key("怎么 登录"))


def test_each_stage_is_timed_from_the_one_before_and_the_total_from_the_beginning():
    run = MatchRun("q", Thresholds())
    for stage in ("encode", "retrieve"):
        time.sleep(0.01)
        run.lap(stage)
    run.lap("total", since_start=True)
    assert list(run.timings_ms) == ["encode", "retrieve", "total"]
    assert run.timings_ms["encode"] >= 10
    assert run.timings_ms["total"] >= run.timings_ms["encode"] + run.timings_ms["retrieve"]


def test_runner_up_and_margin_are_those_of_similarity():
    run = MatchRun("q", Thresholds())
    run.candidates = [Candidate(entry=number, row=number, similarity=0.75 - number / 4) for number in range(2)]
    explained = run.explain("clarify", [a_match(0.5)], ENTRIES)
    assert (explained["runner_up"], explained["margin"], explained["exact"]) == ("second", 0.25, False)
    run.candidates = run.candidates[:1]
    alone = run.explain("clarify", [a_match(0.5)], ENTRIES)
    assert (alone["runner_up"], alone["margin"]) == (None, None)


@pytest.mark.parametrize(
    ("decision", "matches", "reason"),
    [
        ("answer", [a_match(1.0, "exact")], "the key of a phrasing is equal"),
        ("clarify", [a_match(0.5, "exact")] * 2, "several entries hold this very question"),
        ("answer", [a_match(0.9)], "confidence 0.900 reaches the answer threshold 0.8"),
        ("clarify", [a_match(0.5)], "confidence 0.500 lies between the thresholds 0.4 and 0.8"),
        ("reject", [a_match(0.1)], "confidence 0.100 is below the clarify threshold 0.4"),
        ("reject", [], "no entry may answer: none carries the tags, is enabled and is valid now"),
    ],
)
def test_each_decision_has_its_reason(decision, matches, reason):
    assert MatchRun("q", Thresholds()).explain(decision, matches, ENTRIES)["reason"] == reason
