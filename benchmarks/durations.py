"""Durations as p50, p95 and p99, each with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.intervals import Interval, quantile_interval

COLUMNS: Final = ("n", "p50 ms", "p95 ms", "p99 ms")
"""Of the cells that `Durations.cells` gives."""


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Quantiles of n durations, in milliseconds."""

    n: int
    p50: Interval
    p95: Interval
    p99: Interval

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        intervals = {name: getattr(self, name).to_json() for name in ("p50", "p95", "p99")}
        return {"unit": "ms", "n": self.n, **intervals}

    def cells(self) -> list[str]:
        """Give the cells of a table row, see COLUMNS."""
        return [f"{self.n:,}", self.p50.show(2), self.p95.show(2), self.p99.show(2)]


def durations_of(milliseconds: Sequence[float] | NDArray[np.float64]) -> Durations:
    """Sum up `milliseconds`, at least one."""
    values = np.asarray(milliseconds, np.float64)
    return Durations(
        n=len(values),
        p50=quantile_interval(values, 0.50),
        p95=quantile_interval(values, 0.95),
        p99=quantile_interval(values, 0.99),
    )
