"""Figures of several encoders beside each other, and what each has more or less than the first one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from benchmarks.report import Table
from benchmarks.resampling import Figure, mean_of
from models.intervals import Interval

_DIGITS: Final = 4


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """One set, or the mean of several."""

    name: str
    languages: frozenset[str]
    about: str
    """Its sizes, for people."""
    figures: Sequence[Mapping[str, Figure]]
    """Of each encoder, by the name of the metric; of one that is not judged here, none."""

    @property
    def metrics(self) -> list[str]:
        """All that some encoder has, in order."""
        return list(dict.fromkeys(chain.from_iterable(self.figures)))

    def differences(self) -> list[dict[str, Figure]]:
        """Give what each encoder but the first has more than it, where both have a figure."""
        first, *others = self.figures
        return [{name: one.minus(first[name]) for name, one in own.items() if name in first} for own in others]

    def to_json(self, labels: Sequence[str]) -> dict[str, Any]:
        """Give the JSON object of a report; `labels` name the encoders."""
        return {
            "figures": _to_json(labels, self.figures),
            "differences_to_the_first": _to_json(labels[1:], self.differences()),
        }


def means_by_language(judged: Sequence[SideBySide]) -> list[SideBySide]:
    """Give, for the sets of each language and each metric that two of them have at least, the mean over these."""
    means = []
    for languages in dict.fromkeys(one.languages for one in judged):
        own = [one for one in judged if one.languages == languages]
        for metric in dict.fromkeys(chain.from_iterable(one.metrics for one in own)):
            having = [one for one in own if metric in one.metrics]
            if len(having) > 1:
                means.append(_mean(metric, having))
    return means


def is_real(difference: Interval) -> bool:
    """Say whether the interval leaves out 0."""
    return difference.low > 0 or difference.high < 0


def table_of_figures(judged: Sequence[SideBySide], labels: Sequence[str]) -> Table:
    """Give a row a set and metric, a column an encoder."""
    return Table(
        title="Quality, 95 % intervals in brackets",
        columns=("set", "sizes", "metric", *labels),
        rows=[
            [*about, metric, *(_show(own.get(metric)) for own in one.figures)]
            for one in judged
            for metric, about in _named_once(one)
        ],
    )


def table_of_differences(judged: Sequence[SideBySide], labels: Sequence[str]) -> Table:
    """Give the differences to the first encoder, a star where one is real."""
    return Table(
        title=f"Difference to {labels[0]}, judged on the same items; * where the 95 % interval leaves out 0",
        columns=("set", "metric", *labels[1:]),
        rows=[
            [about[0], metric, *(_show_difference(own.get(metric)) for own in one.differences())]
            for one in judged
            for metric, about in _named_once(one)
        ],
    )


def _mean(metric: str, having: Sequence[SideBySide]) -> SideBySide:
    figures: list[dict[str, Figure]] = []
    for of_one_encoder in zip(*(one.figures for one in having), strict=True):
        found = [own[metric] for own in of_one_encoder if metric in own]
        figures.append({metric: mean_of(found)} if len(found) == len(having) else {})
    return SideBySide(
        name=f"mean, {' to and from '.join(sorted(having[0].languages, reverse=True))}",
        languages=having[0].languages,
        about=", ".join(one.name for one in having),
        figures=figures,
    )


def _named_once(one: SideBySide) -> list[tuple[str, tuple[str, str]]]:
    """Give each metric, and with the first one the name and the sizes."""
    return [(metric, ("", "") if number else (one.name, one.about)) for number, metric in enumerate(one.metrics)]


def _show(figure: Figure | None) -> str:
    return figure.interval().show(_DIGITS) if figure else ""


def _show_difference(figure: Figure | None) -> str:
    if figure is None:
        return ""
    found = figure.interval()
    numbers = (f"{number:+.{_DIGITS}f}" for number in (found.value, found.low, found.high))
    return "{} [{}, {}]".format(*numbers) + (" *" if is_real(found) else "")


def _to_json(labels: Sequence[str], figures: Sequence[Mapping[str, Figure]]) -> dict[str, Any]:
    return {
        label: {metric: figure.interval().to_json() for metric, figure in own.items()}
        for label, own in zip(labels, figures, strict=True)
        if own
    }
