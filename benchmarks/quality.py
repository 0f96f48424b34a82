"""`quality`: do encoders find the right question and tell pairs apart, several side by side on the development sets?

All see the same normal forms. Each figure has its bootstrap interval, and so has its difference to that of the first
encoder, over the same samples: what int8 has cost against its fp32 checkpoint, what a training has gained.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

from benchmarks.circumstances import observe_circumstances
from benchmarks.data_folder import DataFolder
from benchmarks.encoding import Variant, find_variants
from benchmarks.labelled_sets import ALL_SETS, LabelledSet, read_labelled_set
from benchmarks.report import Report
from benchmarks.resampling import resample
from benchmarks.set_scores import SetScores
from benchmarks.side_by_side import SideBySide, means_by_language, table_of_differences, table_of_figures
from models.directory import DEFAULT_MODEL
from models.encoded_texts import encode_once
from models.intervals import RESAMPLES
from service.commands.terminal import StageProgress

QUICK_SETS: Final = ("covid_q", "bustm")
_QUICK_ITEMS: Final = 200
"""Queries or pairs of each set that --quick judges."""


@dataclass(frozen=True, kw_only=True)
class QualityOptions:
    """What to judge, and on what."""

    data: Path
    threads: int
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    """All that is judged is compared with the first one."""
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    """Folder or package by the name of one of `models`, or by a name of its own."""
    english: tuple[str, ...] = ()
    """Checkpoints with names of their own that know English alone."""
    sets: tuple[str, ...] = ALL_SETS
    quick: bool = False


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One encoder, done with."""

    scores: Mapping[str, SetScores]
    """By the name of a set."""
    texts: int
    seconds: float


def measure_quality(options: QualityOptions) -> Report:
    """Judge one encoder after the other, each on all sets of its languages."""
    circumstances = observe_circumstances(("torch", "transformers") if options.checkpoints else ())
    data, limit = DataFolder(options.data), _QUICK_ITEMS if options.quick else None
    labelled = [read_labelled_set(name, data, limit) for name in dict.fromkeys(options.sets)]
    variants = find_variants(options.models, options.checkpoints, options.english, options.threads)
    with StageProgress() as progress:
        judged = [
            _judge(variant, labelled, f"{variant.label} ({number} of {len(variants)})", progress)
            for number, variant in enumerate(variants, 1)
        ]
        compared = _compare(labelled, judged, progress)
    means, labels, notes = (
        means_by_language(compared),
        [variant.label for variant in variants],
        _notes(variants, labelled),
    )
    rows = [*compared, *means]
    return Report(
        name="quality",
        circumstances=circumstances.complete(),
        settings={
            "encoders": labels,
            "threads": options.threads,
            "resamples": RESAMPLES,
            "quick": options.quick,
        },
        results={
            "encoders": {
                variant.label: variant.to_json() | {"texts": one.texts, "encoding_s": one.seconds}
                for variant, one in zip(variants, judged, strict=True)
            },
            "sets": {
                read.name: {"languages": sorted(read.languages), "sizes": dict(read.sizes), **one.to_json(labels)}
                for read, one in zip(labelled, compared, strict=True)
            },
            "means": [
                {"languages": sorted(one.languages), "metric": one.metrics[0], "sets": one.about, **one.to_json(labels)}
                for one in means
            ],
            "notes": notes,
        },
        tables=[table_of_figures(rows, labels), *([table_of_differences(rows, labels)] if len(labels) > 1 else [])],
        remarks={"Notes": notes} if notes else {},
    )


def _judge(variant: Variant, labelled: Sequence[LabelledSet], stage: str, progress: StageProgress) -> _Judged:
    """Load an encoder, and let go of it and its vectors at the end."""
    own = [data for data in labelled if variant.knows(data)]
    if not own:
        return _Judged(scores={}, texts=0, seconds=0.0)
    encode, begin = variant.load(), time.perf_counter()
    encoded = encode_once(
        encode,
        chain.from_iterable(data.texts for data in own),
        lambda done, total: progress(stage, done, total),
    )
    seconds = time.perf_counter() - begin
    return _Judged(
        scores={data.name: data.score(encoded.encode, variant.head) for data in own},
        texts=len(encoded.vectors),
        seconds=seconds,
    )


def _compare(labelled: Sequence[LabelledSet], judged: Sequence[_Judged], progress: StageProgress) -> list[SideBySide]:
    compared = []
    for number, data in enumerate(labelled):
        known = [place for place, one in enumerate(judged) if data.name in one.scores]

        def report(done: int, before: int = number * RESAMPLES) -> None:
            progress("intervals, samples", before + done, len(labelled) * RESAMPLES)

        found = resample([judged[place].scores[data.name].figures for place in known], data.items, report)
        of_place = dict(zip(known, found, strict=True))
        compared.append(
            SideBySide(
                name=data.name,
                languages=data.languages,
                about=_show_sizes(data.sizes),
                figures=[of_place.get(place, {}) for place in range(len(judged))],
            )
        )
    return compared


def _notes(variants: Sequence[Variant], labelled: Sequence[LabelledSet]) -> list[str]:
    """Say what is left empty."""
    notes = []
    for variant in variants:
        if left_out := [data.name for data in labelled if not variant.knows(data)]:
            known = ", ".join(variant.languages)
            first = " Nothing is compared with it there." if variant is variants[0] and len(variants) > 1 else ""
            notes.append(f"{variant.label} knows {known} alone and is not judged on {', '.join(left_out)}.{first}")
    return notes


def _show_sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sizes.items() if count)
