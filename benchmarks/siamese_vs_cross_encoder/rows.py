"""The rows of the comparison: one set, one form, one way, one number of candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Table
from benchmarks.siamese_vs_cross_encoder.forms import LABELS, FormName
from benchmarks.siamese_vs_cross_encoder.ways import Way
from models.intervals import Interval, mean_interval, quantile_interval

LIMIT_MS: Final = 200.0
"""That a query may take."""
_COLUMNS: Final = (
    *("form", "way", "candidates", "p50 ms", "p95 ms"),
    *(f"above {LIMIT_MS:.0f} ms", f"p95 below {LIMIT_MS:.0f} ms", "P@1"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a way costs, and what it finds."""

    form: FormName
    way: Way
    candidates: int
    milliseconds: NDArray[np.float64]
    """Of each timed query."""
    right: NDArray[np.bool_] | None
    """Whether the first one was right, of each judged query; None where the weights are random."""

    @property
    def p50(self) -> Interval:
        """Median time, in ms."""
        return quantile_interval(self.milliseconds, 0.50)

    @property
    def p95(self) -> Interval:
        """In ms."""
        return quantile_interval(self.milliseconds, 0.95)

    @property
    def above_limit(self) -> float:
        """Share of the timed queries that took longer than the limit."""
        return float((self.milliseconds > LIMIT_MS).mean())

    @property
    def stays_below(self) -> bool:
        """Whether 95 of 100 queries stay below the limit."""
        return self.p95.value < LIMIT_MS

    @property
    def precision_at_1(self) -> Interval | None:
        """Share of the judged queries whose first one was right."""
        return None if self.right is None else mean_interval(self.right)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        precision = self.precision_at_1
        return {
            "form": self.form,
            "way": self.way.name,
            "candidates": self.candidates,
            "n": len(self.milliseconds),
            "p50_ms": self.p50.to_json(),
            "p95_ms": self.p95.to_json(),
            "share_above_200_ms": self.above_limit,
            "p95_below_200_ms": self.stays_below,
            "P@1": precision.to_json() if precision else None,
        }

    def cells(self) -> list[str]:
        """Give the cells of a table row, see `table_of`."""
        precision = self.precision_at_1
        return [
            LABELS[self.form],
            self.way.label,
            str(self.candidates),
            self.p50.show(1),
            self.p95.show(1),
            f"{100 * self.above_limit:.0f} %",
            "yes" if self.stays_below else "no",
            precision.show(3) if precision else "",
        ]


def table_of(name: str, rows: Sequence[Row]) -> Table:
    """Give the table of a set."""
    return Table(
        title=f"{name}: a query, one thread, 95 % intervals in brackets",
        columns=_COLUMNS,
        rows=[row.cells() for row in rows],
    )
