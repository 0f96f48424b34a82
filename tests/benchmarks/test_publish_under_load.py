import json

import pytest

from benchmarks.knowledge_base import OpenKnowledgeBase, build_knowledge_base
from benchmarks.marked_publisher import MARKS, marked_entries, publishing
from benchmarks.publish_under_load import (
    Observed,
    PublishOptions,
    marks_of,
    measure_publish_under_load,
    summarise_load,
)

A, B = MARKS


def reply(version, answer, *others):
    return {"version": version, "answer": answer, "matches": [{"answer": other} for other in others]}


def test_a_reply_is_mixed_when_any_answer_is_of_another_version_than_it_names():
    client = Observed(milliseconds=[1.0, 2.0, 3.0], failures=["503"])
    client.take(reply("1", f"{A}yes", f"{A}yes", f"{A}no"))
    client.take(reply("2", None, f"{B}yes"))
    client.take(reply("2", None))
    summary = summarise_load([client], {"1": A, "2": B})
    assert (summary["mixed"], summary["failed"], summary["requests"]) == (0, 1, 4)
    assert (summary["distinct_versions"], summary["unknown_versions"]) == (2, 0)

    client.take(reply("1", f"{A}yes", f"{A}yes", f"{B}no"))
    client.take(reply("2", f"{A}yes", f"{A}yes"))
    client.take(reply("2", "unmarked"))
    client.take(reply("3", f"{A}yes"))
    summary = summarise_load([client], {"1": A, "2": B})
    assert (summary["mixed"], summary["unknown_versions"]) == (4, 1)


def test_an_answer_without_a_mark_is_not_taken_for_one_of_them():
    assert marks_of(reply("1", "yes", f"{A}yes")) == {"[no mark] ", A}


def test_the_publisher_publishes_in_turn_and_tells_which_version_has_which_mark(model, tmp_path):
    first = build_knowledge_base(tmp_path, marked_entries(A), model, threads=1)
    with publishing(tmp_path, 3, 0.01) as publisher:
        published = publisher.wait()
    assert [one.mark for one in published] == [B, A, B]
    assert len({first.version, *(one.version for one in published)}) == 4
    version = OpenKnowledgeBase.open(tmp_path).version
    assert version.manifest.version == published[-1].version
    assert all((entry.answer or "").startswith(B) for entry in version.entries)


def test_a_publisher_that_dies_is_not_waited_for(tmp_path):
    with pytest.raises(RuntimeError, match="ended after 0 of 3"), publishing(tmp_path, 3, 0) as publisher:
        publisher.wait()


def test_the_quick_form_loses_no_request_and_mixes_no_reply(model, tmp_path):
    options = PublishOptions(model=model, threads=2, publishes=4, clients=2, longest_pause_s=0.5, quiet_s=0.3)
    report = measure_publish_under_load(options)
    report.show()
    report.write(tmp_path)
    results = json.loads((tmp_path / "publish_under_load.json").read_text(encoding="utf-8"))["results"]
    counted = {
        "requests",
        "failed",
        "first_failures",
        "mixed",
        "distinct_versions",
        "unknown_versions",
        "duration",
    }
    assert results.keys() == counted | {
        "publishes",
        "publish",
        "last_version_taken_after_s",
        "quiet_before",
        "quiet_after",
        "server_memory",
    }
    assert results["quiet_before"].keys() == results["quiet_after"].keys() == counted
    assert (results["failed"], results["mixed"], results["unknown_versions"]) == (0, 0, 0)
    assert results["publishes"] == 4
    assert 2 <= results["distinct_versions"] <= 5
    assert results["quiet_before"]["distinct_versions"] == results["quiet_after"]["distinct_versions"] == 1
    assert results["requests"] > 20
