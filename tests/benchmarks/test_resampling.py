import numpy as np
import pytest

from benchmarks.resampling import Figure, mean_of, resample
from models.intervals import RESAMPLES, mean_interval

RIGHT = np.random.default_rng(1).random(200) < 0.6


def share_of(right):
    return lambda places: {"P@1": right[places].mean()}


def test_a_share_has_the_interval_that_every_other_report_gives_it():
    ((figures),) = resample([share_of(RIGHT)], 200)
    assert figures["P@1"].interval() == mean_interval(RIGHT)


def test_a_planted_difference_is_judged_item_by_item():
    better = RIGHT.copy()
    better[np.flatnonzero(~RIGHT)[:10]] = True
    first, second = resample([share_of(RIGHT), share_of(better)], 200)
    gained = second["P@1"].minus(first["P@1"]).interval()
    assert vars(gained) == pytest.approx(vars(mean_interval(better.astype(float) - RIGHT)))
    assert gained.value == pytest.approx(0.05)
    assert gained.low > 0  # although both intervals overlap
    assert first["P@1"].interval().high > second["P@1"].interval().low


def test_what_a_sample_does_not_define_is_left_out():
    def measure(places):
        return {"AP": float("nan") if 0 in places else places.max() / 2}

    ((found),) = resample([measure], 3)
    assert np.isnan(found["AP"].samples).any()
    assert (found["AP"].interval().low, found["AP"].interval().high) == (0.5, 1.0)


def test_a_mean_over_sets_is_that_of_their_values_and_of_their_samples():
    first = Figure(value=0.4, samples=np.linspace(0.3, 0.5, RESAMPLES))
    second = Figure(value=0.8, samples=np.linspace(0.9, 0.7, RESAMPLES))
    mean = mean_of([first, second])
    assert mean.value == pytest.approx(0.6)
    np.testing.assert_allclose(mean.samples, 0.6)


def test_it_is_told_how_many_samples_are_done():
    told = []
    resample([share_of(RIGHT)], 200, told.append)
    assert told == list(range(1, RESAMPLES + 1))
