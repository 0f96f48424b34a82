"""Time against candidates, and P@1 beside it: a row of axes a set. The only module with matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.siamese_vs_cross_encoder.forms import LABELS, FormName
from benchmarks.siamese_vs_cross_encoder.rows import LIMIT_MS, Row
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, INTERACTION, SIMILARITY, TWO_STAGE

_COLOURS: Final = {SIMILARITY: "C0", INTERACTION: "C2", CROSS_ENCODER: "C3", TWO_STAGE: "C1"}
_LINES: Final[Mapping[FormName, str]] = {"int8": "-", "fp32": "--", "torch": ":"}
_SET_SIZE: Final = (13.0, 6.0)
"""Inches."""


def draw_rows(rows: Mapping[str, Sequence[Row]], file: Path) -> None:
    """Write a PNG of the rows of each set."""
    figure_of(rows).savefig(file, dpi=120)


def figure_of(rows: Mapping[str, Sequence[Row]]) -> Figure:
    """Draw the rows of each set."""
    figure = Figure(figsize=(_SET_SIZE[0], _SET_SIZE[1] * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 2, squeeze=False)
    for (name, found), (times, precisions) in zip(rows.items(), axes, strict=True):
        _draw_times(times, name, found)
        _draw_precisions(precisions, name, found)
    return figure


def _draw_times(axes: Axes, name: str, rows: Sequence[Row]) -> None:
    for line in _lines(rows):
        axes.plot(
            [row.candidates for row in line],
            [row.p50.value for row in line],
            color=_COLOURS[line[0].way],
            linestyle=_LINES[line[0].form],
            marker=".",
            label=f"{line[0].way.label}, {LABELS[line[0].form]}",
        )
    axes.axhline(LIMIT_MS, color="black", linewidth=0.8)
    axes.set(title=f"{name}: time of a query", xlabel="candidates", ylabel="p50, ms", yscale="log")
    axes.set_xticks(sorted({row.candidates for row in rows}))
    _place_legend(axes)


def _draw_precisions(axes: Axes, name: str, rows: Sequence[Row]) -> None:
    axes.set(title=f"{name}: right entry first", xlabel="candidates", ylabel="P@1, 95 % interval")
    axes.set_xticks(sorted({row.candidates for row in rows}))
    for line in _lines(rows):
        intervals = [row.precision_at_1 for row in line if row.precision_at_1]
        if not intervals or line[0].form == "torch":  # whose are those of fp32
            continue
        values = [one.value for one in intervals]
        axes.errorbar(
            [row.candidates for row in line],
            values,
            yerr=[
                [one.value - one.low for one in intervals],
                [one.high - one.value for one in intervals],
            ],
            color=_COLOURS[line[0].way],
            linestyle=_LINES[line[0].form],
            marker=".",
            capsize=3,
            label=f"{line[0].way.label}, {LABELS[line[0].form]}",
        )
    if axes.has_data():
        _place_legend(axes)


def _place_legend(axes: Axes) -> None:
    axes.legend(fontsize="x-small", loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)


def _lines(rows: Sequence[Row]) -> list[list[Row]]:
    keys = dict.fromkeys((row.way, row.form) for row in rows)
    return [[row for row in rows if (row.way, row.form) == key] for key in keys]
