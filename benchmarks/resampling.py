"""Figures of several encoders on the same samples of a labelled set: by the bootstrap of models/intervals.py.

Items are drawn once for all encoders together, so that the difference of two has the interval of paired judgements.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.intervals import RESAMPLES, Interval, percentile_interval, samples_of

Measure = Callable[[NDArray[np.int64]], Mapping[str, float]]
"""Gives figures by name of the items at these places, (n,), some of them several times; NaN where they define none."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number, and what it is on each sample."""

    value: float
    samples: NDArray[np.float64]
    """(RESAMPLES,); NaN where a sample does not define it."""

    def interval(self) -> Interval:
        """Give the range in which it falls for 95 of 100 samples."""
        return percentile_interval(self.value, self.samples)

    def minus(self, other: Self) -> "Figure":
        """Give the difference to a figure of the same samples."""
        return Figure(value=self.value - other.value, samples=self.samples - other.samples)


def mean_of(figures: Sequence[Figure]) -> Figure:
    """Give the mean over sets, each of which is drawn for itself."""
    return Figure(
        value=float(np.mean([one.value for one in figures])),
        samples=np.mean([one.samples for one in figures], axis=0),
    )


def resample(
    measures: Sequence[Measure], size: int, report: Callable[[int], object] = lambda _: None
) -> list[dict[str, Figure]]:
    """Give the figures of each measure over `size` items; `report` is told how many samples are done."""
    whole = [measure(np.arange(size)) for measure in measures]
    samples = [{name: np.empty(RESAMPLES) for name in values} for values in whole]
    for number, places in enumerate(samples_of(size)):
        for measure, found in zip(measures, samples, strict=True):
            for name, value in measure(places).items():
                found[name][number] = value
        report(number + 1)
    return [
        {name: Figure(value=value, samples=found[name]) for name, value in values.items()}
        for values, found in zip(whole, samples, strict=True)
    ]
