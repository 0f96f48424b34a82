import json
from dataclasses import dataclass, field

from benchmarks.bundled import (
    FOLDER,
    BundledOptions,
    Judged,
    Query,
    judge,
    measure_bundled,
    read_queries,
    summarise,
)
from indexer.entries import read_entries
from indexer.entry import Entry
from service.commands.models import DEMO_FAQ
from service.matching import Match, MatchResult, Thresholds


def result(decision, *ids):
    matches = tuple(
        Match(
            entry=Entry(id=name, question=name, answer="yes"),
            matched_phrasing=name,
            match_type="dense",
            similarity=0.5,
            confidence=0.5,
        )
        for name in ids
    )
    return MatchResult(
        decision=decision,
        answer=None,
        confidence=0.5,
        matches=matches,
        thresholds=Thresholds(),
        calibration="",
        version="",
        model="",
    )


def judged(relevant, decision, *ids):
    return Judged(query=Query("q", frozenset(relevant), "en"), result=result(decision, *ids))


def test_each_decision_is_counted_for_what_it_is_worth():
    summary = summarise(
        [
            judged({"a", "b"}, "answer", "b", "c"),
            judged({"a"}, "answer", "c", "a"),
            judged({"a"}, "clarify", "c", "a"),
            judged({"a"}, "clarify", "a"),
            judged({"a"}, "clarify", "c", "d"),
            judged({"a"}, "reject", "a"),
            judged((), "answer", "a"),
            judged((), "reject", "a"),
            judged((), "reject"),
        ]
    )
    assert summary["in_scope"] == 6
    assert summary["P@1"]["value"] == 0.5
    assert summary["hit@5"] == 5 / 6
    assert summary["outcomes"] == {
        "answered right": 1,
        "answered wrong": 1,
        "clarified with": 2,
        "clarified without": 1,
        "rejected": 1,
    }
    assert summary["out_of_scope"] == 3
    assert summary["decisions"] == {"answer": 1, "clarify": 0, "reject": 2}


@dataclass
class Echo:
    """Answers every query with the entry that is called like it."""

    asked: list = field(default_factory=list)

    def match(self, query, options):
        self.asked.append(options)
        return result("answer", query)


def test_queries_are_matched_with_default_options_by_the_thresholds_of_the_matcher():
    matcher = Echo()
    [right, wrong] = judge(matcher, [Query("a", frozenset({"a"}), "en"), Query("b", frozenset({"a"}), "en")])
    assert (right.outcome, wrong.outcome) == ("answered right", "answered wrong")
    assert {options.thresholds for options in matcher.asked} == {None}


def test_the_queries_files_name_entries_of_the_bundled_faq():
    ids = {entry.id for entry in read_entries(DEMO_FAQ).entries}
    for name, count in (("queries", 300), ("cross", 80)):
        queries = read_queries(FOLDER / f"{name}.jsonl")
        assert len(queries) == count
        assert {one for query in queries for one in query.relevant} <= ids


def test_the_quick_form_reports_decisions_by_language_and_lists_what_was_answered_wrongly(model, tmp_path, capsys):
    report = measure_bundled(BundledOptions(model=model, threads=2, quick=True, errors=True))
    report.show()
    report.write(tmp_path)
    document = json.loads((tmp_path / "bundled.json").read_text(encoding="utf-8"))
    assert document["settings"]["thresholds"] == {"answer": 0.8, "clarify": 0.4}
    results = document["results"]
    assert results.keys() == {"queries", "cross", "cross_alone", "wrong_answers"}
    for name in ("queries", "cross", "cross_alone"):
        groups = results[name]
        assert groups.keys() == {"en", "zh", "all"}
        for key in ("in_scope", "out_of_scope"):
            assert groups["en"][key] + groups["zh"][key] == groups["all"][key]
        everything = groups["all"]
        assert everything.keys() == {"in_scope", "P@1", "hit@5", "outcomes", "out_of_scope", "decisions"}
        assert sum(everything["outcomes"].values()) == everything["in_scope"] > 0
        assert sum(everything["decisions"].values()) == everything["out_of_scope"]
    wrong = sum(results[name]["all"]["outcomes"]["answered wrong"] for name in ("queries", "cross", "cross_alone"))
    wrong += results["queries"]["all"]["decisions"]["answer"]
    assert len(results["wrong_answers"]) == wrong
    assert "Answered wrongly" in capsys.readouterr().out
