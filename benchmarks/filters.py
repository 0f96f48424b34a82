"""`filters`: an entry that alone carries a tag is found by a filter for it, whatever is asked.

The question has nothing to do with the entry, which is then far from where an approximate index looks first. One
miss is a defect: filters enter the search as allowed rows and never thin a finished list.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from benchmarks.circumstances import SEED, observe_circumstances
from benchmarks.data_folder import DataFolder
from benchmarks.durations import COLUMNS, Durations, durations_of
from benchmarks.knowledge_base import OpenKnowledgeBase, build_knowledge_base
from benchmarks.question_supply import supply_questions
from benchmarks.report import Report, Table
from indexer.dense import VectorIndex
from indexer.entry import Entry
from service.matcher import VersionMatcher
from service.matching import MatchOptions

KINDS: Final[tuple[Literal["flat", "ivf"], ...]] = ("flat", "ivf")
"""Of index: each is built over the same vectors, whatever their number."""


@dataclass(frozen=True, kw_only=True)
class FiltersOptions:
    """Sizes of the run."""

    data: Path | None
    """None = generated questions."""
    model: str
    threads: int
    entries: int = 10_000
    tags: int = 200


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one index brought back."""

    kind: str
    cells: int
    probes: int
    misses: int
    strangers: int
    """Matches that do not carry the tag."""
    durations: Durations

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        return {**vars(self), "durations": self.durations.to_json()}


def measure_filters(options: FiltersOptions) -> Report:
    """Ask an unrelated question with the filter of each tag, of a flat and of an IVF index."""
    circumstances = observe_circumstances()
    data = DataFolder(options.data) if options.data else None
    supply = supply_questions(data, options.entries, options.tags)
    entries = [tag_entry(entry) for entry in supply.entries]
    chosen = np.random.default_rng(SEED).choice(len(entries), options.tags, replace=False).tolist()
    with tempfile.TemporaryDirectory(prefix="faqmatch-benchmark-") as folder:
        build_knowledge_base(Path(folder), entries, options.model, options.threads)
        opened = OpenKnowledgeBase.open(Path(folder))
        vectors = np.load(opened.version.directory / "vectors.npy")
        found = []
        for kind in KINDS:
            index = VectorIndex.build(vectors, kind=kind)
            matcher = opened.matcher(replace(opened.version, index=index))
            found.append(ask_by_tag(matcher, index, [entries[number] for number in chosen], supply.queries))
    return Report(
        name="filters",
        circumstances=circumstances.complete(),
        settings={
            "model": opened.version.manifest.encoder.label,
            "threads": options.threads,
            "source": supply.source,
            "entries": len(entries),
            "tags_asked_for": options.tags,
        },
        results={one.kind: one.to_json() for one in found},
        tables=[
            Table(
                title="An entry found by its own tag alone, 95 % intervals in brackets",
                columns=("index", "cells", "probes", "misses", "without the tag", *COLUMNS),
                rows=[
                    [one.kind, *map(str, (one.cells, one.probes, one.misses, one.strangers)), *one.durations.cells()]
                    for one in found
                ],
            )
        ],
    )


def tag_entry(entry: Entry) -> Entry:
    """Give the entry with a tag that no other has, besides one that all have."""
    return replace(entry, tags=("all", f"only-{entry.id}"))


def ask_by_tag(matcher: VersionMatcher, index: VectorIndex, entries: Sequence[Entry], queries: Sequence[str]) -> Found:
    """Ask each entry's own question-to-be, one of `queries`, with the filter of the entry's last tag."""
    misses = strangers = 0
    taken = []
    for entry, query in zip(entries, queries, strict=True):
        result = matcher.match(query, MatchOptions(tags=(entry.tags[-1],)))
        ids = [match.entry.id for match in result.matches]
        misses += entry.id not in ids
        strangers += len(set(ids) - {entry.id})
        taken.append(result.timings_ms["total"])
    return Found(
        kind=index.spec.kind,
        cells=index.spec.cells,
        probes=index.spec.probes,
        misses=misses,
        strangers=strangers,
        durations=durations_of(taken),
    )
