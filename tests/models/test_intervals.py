import numpy as np
import pytest

from models.intervals import Interval, mean_interval, measured_intervals, quantile_interval


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
    monkeypatch.setattr("models.intervals._AT_ONCE", 100 * 300)  # 300, 300, 300 and 100 of 1,000
    low, high = mean_interval(values).low, mean_interval(values).high
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.15)


def test_whatever_is_measured_of_resamples_has_the_interval_of_its_own_kind():
    values = np.random.default_rng(3).random(80)
    mean, median = measured_intervals(lambda places: np.array([values[places].mean(), np.median(values[places])]), 80)
    assert vars(mean) == pytest.approx(vars(mean_interval(values)))
    assert vars(median) == pytest.approx(vars(quantile_interval(values, 0.5)))


def test_samples_that_do_not_define_a_number_are_left_out():
    def measure(places):
        return np.array([1.0 if 0 in places else np.nan])

    assert measured_intervals(measure, 5) == [Interval(value=1, low=1, high=1)]


def test_an_interval_is_shown_and_reported_with_its_number():
    found = Interval(value=0.5, low=0.25, high=0.754)
    assert found.show() == "0.500 [0.250, 0.754]"
    assert found.show(1) == "0.5 [0.2, 0.8]"
    assert found.to_json() == {"value": 0.5, "low": 0.25, "high": 0.754}
