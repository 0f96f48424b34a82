import numpy as np

from benchmarks.durations import durations_of


def test_durations_are_summed_up_by_their_quantiles():
    found = durations_of(np.arange(1, 102, dtype=float))
    assert (found.p50.value, found.p95.value, found.p99.value) == (51, 96, 100)
    assert found.to_json()["n"] == 101
    assert found.to_json()["p99"]["low"] <= 100 <= found.to_json()["p99"]["high"]
