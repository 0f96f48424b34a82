import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.latency import STAGES, WAYS, LatencyOptions, by_quartile, count_tokens, measure_latency
from benchmarks.served_home import serve_home


def test_the_quick_form_reports_every_way_every_stage_and_the_memory(model, tmp_path):
    options = LatencyOptions(data=None, model=model, threads=2, entries=120, queries=44, warm_up=8, block=10, starts=2)
    report = measure_latency(options)
    report.show()
    report.write(tmp_path)
    document = json.loads((tmp_path / "latency.json").read_text(encoding="utf-8"))
    assert document["settings"]["phrasings"] == 120
    results = document["results"]
    assert results.keys() == {
        *WAYS,
        "stages",
        "median_differences_ms",
        "quartiles",
        "server_memory",
        "start_to_ready_s",
    }
    assert results["stages"].keys() == set(STAGES)
    for found in (*(results[way] for way in WAYS), *results["stages"].values()):
        assert found["n"] == 44
        assert 0 < found["p50"]["value"] <= found["p95"]["value"] <= found["p99"]["value"]
    assert results["http"]["p50"]["value"] > results["stages"]["total"]["p50"]["value"]
    assert results["median_differences_ms"].keys() == {
        "gate - matcher",
        "http - matcher",
        "http - total of the same request",
    }
    assert sum(quarter["n"] for quarter in results["quartiles"]) == 44
    memory = results["server_memory"]
    assert 20 < memory["at_rest_mb"] <= memory["peak_mb"]
    assert memory["after_mb"] <= memory["peak_mb"]
    assert len(results["start_to_ready_s"]) == 2
    assert min(results["start_to_ready_s"]) > 0.1


def test_quartiles_go_from_the_shortest_to_the_longest_queries():
    milliseconds, tokens = np.array([8.0, 1, 4, 2, 7, 3, 6, 5]), np.array([80, 10, 40, 20, 70, 30, 60, 50])
    quarters = by_quartile(milliseconds, tokens)
    assert [quarter["tokens"] for quarter in quarters] == [[10, 20], [30, 40], [50, 60], [70, 80]]
    assert [quarter["p50_ms"]["value"] for quarter in quarters] == [1.5, 3.5, 5.5, 7.5]


def test_tokens_are_counted_as_the_encoder_reads_them(model):
    assert count_tokens(Path(model), ["how do i cancel", "  怎么  取消"]).tolist() == [6, 6]


def test_a_service_that_cannot_start_is_told_with_what_it_wrote(tmp_path):
    (tmp_path / "faqmatch.toml").write_text("thread = 3\n")
    with (
        pytest.raises(BenchmarkError, match="did not become ready: faqmatch: unknown setting 'thread'"),
        serve_home(tmp_path, threads=1),
    ):
        pass
