import json

from benchmarks.scale import ScaleOptions, change_questions, measure_scale


def test_the_quick_form_encodes_only_what_is_new_and_reports_recall_and_times(data, model, tmp_path):
    report = measure_scale(ScaleOptions(data=data, model=model, threads=1, rows=30, queries=12))
    report.show()
    report.write(tmp_path)
    document = json.loads((tmp_path / "scale.json").read_text(encoding="utf-8"))
    assert document["settings"]["rows"] == document["settings"]["phrasings"] == 30
    assert document["settings"]["index"]["kind"] == "flat"
    jobs = document["results"]["jobs"]
    assert {name: job["texts_encoded"] for name, job in jobs.items()} == {"first": 30, "unchanged": 0, "10 changed": 10}
    for job in jobs.values():
        assert job.keys() == {"phrasings", "texts_encoded", "wall_s", "peak_mb"}
        assert job["wall_s"] > 0.1
        assert job["peak_mb"] > 20
    recall, search = document["results"]["recall"], document["results"]["search"]
    assert len(recall) == 3
    assert all(found["recall@1"]["value"] == found["recall@10"]["value"] == 1 for found in recall.values())
    assert [found.keys() for found in search.values()] == [{"index", "flat"}] * 2


def test_ten_questions_are_changed_and_nothing_else():
    lines = [json.dumps({"id": str(number), "question": f"q{number}", "answer": "a"}) for number in range(100)]
    changed = [(json.loads(old), json.loads(new)) for old, new in zip(lines, change_questions(lines), strict=True)]
    assert sum(old["question"] != new["question"] for old, new in changed) == 10
    assert all({**new, "question": old["question"]} == old for old, new in changed)
