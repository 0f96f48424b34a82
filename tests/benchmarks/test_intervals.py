import numpy as np
import pytest

from benchmarks.durations import durations_of
from benchmarks.intervals import mean_interval, quantile_interval


def test_the_interval_of_a_share_is_as_wide_as_the_binomial_says():
    judged = np.arange(400) < 300
    found = mean_interval(judged)
    half = 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert found.value == 0.75
    assert found.low == pytest.approx(0.75 - half, abs=0.01)
    assert found.high == pytest.approx(0.75 + half, abs=0.01)


def test_the_same_numbers_give_the_same_interval():
    judged = np.random.default_rng(1).random(50) < 0.5
    assert mean_interval(judged) == mean_interval(judged)


def test_numbers_that_are_all_equal_leave_no_doubt():
    found = quantile_interval(np.full(30, 4.0), 0.95)
    assert (found.value, found.low, found.high) == (4, 4, 4)


def test_drawing_in_several_parts_covers_all_resamples(monkeypatch):
    values = np.random.default_rng(2).normal(size=100)
    monkeypatch.setattr("benchmarks.intervals._AT_ONCE", 100 * 300)  # 300, 300, 300 and 100 of 1,000
    low, high = mean_interval(values).low, mean_interval(values).high
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.15)


def test_durations_are_summed_up_by_their_quantiles():
    found = durations_of(np.arange(1, 102, dtype=float))
    assert (found.p50.value, found.p95.value, found.p99.value) == (51, 96, 100)
    assert found.to_json()["n"] == 101
    assert found.to_json()["p99"]["low"] <= 100 <= found.to_json()["p99"]["high"]
