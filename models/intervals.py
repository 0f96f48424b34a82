"""How sure a measured number is: 95 % intervals by the bootstrap (Efron, 1979), percentile form, seeded."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SEED: Final = 20261124
RESAMPLES: Final = 1_000
"""Samples that an interval is made of."""
_TAILS: Final = (0.025, 0.975)
_AT_ONCE: Final = 2_000_000
"""Numbers drawn at a time: bounds memory."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number and the range in which it falls for 95 of 100 samples such as this one."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        return dict(vars(self))

    def show(self, digits: int = 3) -> str:
        """Write it as `value [low, high]`."""
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def mean_interval(values: NDArray[np.floating] | NDArray[np.bool_]) -> Interval:
    """Give the mean of `values`, (n,), n > 0. For a difference of two systems pass the differences, item by item."""
    numbers = np.asarray(values, np.float64)
    means = np.concatenate([numbers[rows].mean(axis=1) for rows in _resamples(len(numbers))])
    return percentile_interval(float(numbers.mean()), means)


def quantile_interval(values: NDArray[np.floating], quantile: float) -> Interval:
    """Give a quantile of `values`, (n,), n > 0."""
    numbers = np.asarray(values, np.float64)
    found = np.concatenate([np.quantile(numbers[rows], quantile, axis=1) for rows in _resamples(len(numbers))])
    return percentile_interval(float(np.quantile(numbers, quantile)), found)


def measured_intervals(measure: Callable[[NDArray[np.int64]], NDArray[np.float64]], size: int) -> list[Interval]:
    """Give the numbers, (k,), that `measure` gives of `size` items.

    It is called with the places of the items that a sample holds, (size,), some of them several times, and gives NaN
    where such a sample does not define a number: these samples are left out.
    """
    found = np.stack([measure(places) for places in samples_of(size)], axis=1)
    values = measure(np.arange(size))
    return [percentile_interval(float(value), drawn) for value, drawn in zip(values, found, strict=True)]


def samples_of(size: int) -> Iterator[NDArray[np.int64]]:
    """Give the places, (size,), of the items of each of RESAMPLES samples of `size` items; always the same."""
    return (places for rows in _resamples(size) for places in rows)


def percentile_interval(value: float, samples: NDArray[np.float64]) -> Interval:
    """Give the range that holds 95 of 100 `samples` of a number; NaN, where one did not define it, is left out."""
    low, high = np.quantile(samples[~np.isnan(samples)], _TAILS)
    return Interval(value=value, low=float(low), high=float(high))


def _resamples(size: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng(_SEED)
    step = max(1, _AT_ONCE // size)
    for begin in range(0, RESAMPLES, step):
        yield generator.integers(0, size, (min(step, RESAMPLES - begin), size))
