import json
from types import MappingProxyType

from indexer.entry import Entry
from service.matching import Match, MatchResult, Thresholds
from service.replies import reply_of


def test_every_field_of_a_result_is_told_and_numbers_are_rounded():
    entry = Entry(
        id="e", question="Q?", similar=("q",), answer=None, tags=("t",), metadata=MappingProxyType({"k": [1]})
    )
    match = Match(
        entry=entry,
        matched_phrasing="q",
        match_type="exact",
        similarity=None,
        affinity=0.12345678,
        relevance=1 / 3,
        confidence=0.9999999,
    )
    result = MatchResult(
        decision="clarify",
        answer=None,
        confidence=2 / 3,
        matches=(match,),
        thresholds=Thresholds(answer=0.9, clarify=0.1),
        calibration="c",
        version="v",
        model="m",
        reranked=3,
        degraded=True,
        notices=("late",),
        timings_ms=MappingProxyType({"total": 1.23456}),
        explain=MappingProxyType({"steps": [1]}),
    )
    assert json.loads(reply_of(result, "r").model_dump_json()) == {
        "decision": "clarify",
        "answer": None,
        "confidence": 0.666667,
        "matches": [
            {
                "id": "e",
                "question": "Q?",
                "matched_phrasing": "q",
                "match_type": "exact",
                "answer": None,
                "similarity": None,
                "affinity": 0.123457,
                "relevance": 0.333333,
                "confidence": 1.0,
                "tags": ["t"],
                "metadata": {"k": [1]},
            }
        ],
        "thresholds": {"answer": 0.9, "clarify": 0.1},
        "calibration": "c",
        "version": "v",
        "model": "m",
        "reranked": 3,
        "degraded": True,
        "notices": ["late"],
        "timings_ms": {"total": 1.235},
        "request_id": "r",
        "explain": {"steps": [1]},
    }
