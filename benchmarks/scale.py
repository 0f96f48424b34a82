"""`scale`: indexing 47,441 entries from the command line, and what the approximate index loses against exact search.

`faqmatch index` runs three times as a process of its own: from nothing, again on the same file, and after ten
questions have been changed. Only what is new may be encoded.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import durations
from benchmarks.child_process import Finished, faqmatch_command, run_measured
from benchmarks.circumstances import SEED, observe_circumstances
from benchmarks.data_folder import DataFolder
from benchmarks.durations import Durations
from benchmarks.errors import BenchmarkError
from benchmarks.index_recall import SEARCHED, Recall, compare_with_exact, time_searches
from benchmarks.knowledge_base import KB, OpenKnowledgeBase
from benchmarks.report import Report, Table
from indexer.dense import VectorIndex
from models import normalise
from models.directory import find_model

_CHANGED: Final = 10
_ENCODED: Final = re.compile(r"([\d,]+) phrasings, ([\d,]+) texts encoded")
_OWN_SOURCE: Final = frozenset({"medquad"})


@dataclass(frozen=True, kw_only=True)
class ScaleOptions:
    """Sizes of the run."""

    data: Path
    model: str
    threads: int
    rows: int | None = None
    """First rows of the file; None = all."""
    queries: int = 1_000
    """Of each kind."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One run of `faqmatch index`."""

    name: str
    phrasings: int
    encoded: int
    finished: Finished

    def to_json(self) -> dict[str, Any]:
        return {
            "phrasings": self.phrasings,
            "texts_encoded": self.encoded,
            "wall_s": self.finished.wall_s,
            "peak_mb": self.finished.peak_mb,
        }


def measure_scale(options: ScaleOptions) -> Report:
    """Index three times, then search."""
    circumstances = observe_circumstances()
    data = DataFolder(options.data)
    questions = {
        "consumer health questions (mediqa_rqe)": data.read_pairs("mediqa_rqe", "train").texts_a,
        "other subjects (pool_en_permissive)": data.read_pool("pool_en_permissive", without=_OWN_SOURCE),
    }
    lines = data.find("medquad/faq.jsonl").read_text(encoding="utf-8").splitlines()[: options.rows]
    with tempfile.TemporaryDirectory(prefix="faqmatch-benchmark-") as folder:
        home = Path(folder)
        jobs = [
            _index(home, name, content, options)
            for name, content in (("first", lines), ("unchanged", lines), ("10 changed", change_questions(lines)))
        ]
        opened = OpenKnowledgeBase.open(home)
        vectors = np.load(opened.version.directory / "vectors.npy")
    index, exact = opened.version.index, VectorIndex.build(vectors, kind="flat")
    generator = np.random.default_rng(SEED)
    own = vectors[np.sort(generator.choice(len(vectors), min(options.queries, len(vectors)), replace=False))]
    recalls = {"own rows": compare_with_exact(index, exact, own, of_the_index=True)}
    times = {}
    for name, texts in questions.items():
        chosen = _choose(texts, options.queries, generator)
        queries = opened.model.encoder.encode(chosen)
        recalls[name] = compare_with_exact(index, exact, queries, of_the_index=False)
        times[name] = time_searches({"index": index, "flat": exact}, queries)
    return Report(
        name="scale",
        circumstances=circumstances.complete(),
        settings={
            "model": opened.version.manifest.encoder.label,
            "threads": options.threads,
            "rows": len(lines),
            "entries": opened.version.manifest.entries,
            "phrasings": opened.version.manifest.phrasings,
            "index": index.spec.to_json(),
            "queries_of_each_kind": options.queries,
            "rows_searched_for": SEARCHED,
        },
        results={
            "jobs": {job.name: job.to_json() for job in jobs},
            "recall": {name: recall.to_json() for name, recall in recalls.items()},
            "search": {name: {kind: one.to_json() for kind, one in found.items()} for name, found in times.items()},
        },
        tables=_tables(jobs, recalls, times),
    )


def change_questions(lines: Sequence[str]) -> list[str]:
    """Give the lines of an FAQ file with the questions of ten rows changed, ids and answers left as they are."""
    changed = list(lines)
    for number in np.random.default_rng(SEED).choice(len(lines), min(_CHANGED, len(lines)), replace=False).tolist():
        row = json.loads(lines[number])
        row["question"] = f"{row['question']} (changed in row {number})"
        changed[number] = json.dumps(row, ensure_ascii=False)
    return changed


def _index(home: Path, name: str, lines: Sequence[str], options: ScaleOptions) -> _Job:
    file = home / "faq.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    tolerant = ("--allow-empty-answer", "--allow-conflicts")
    model = str(find_model(options.model).absolute())
    where = ("--kb", KB, "--home", str(home), "--model", model, "--threads", str(options.threads))
    finished = run_measured(faqmatch_command("index", str(file), *where, *tolerant), home)
    summary = _ENCODED.search(finished.output)
    if summary is None:
        raise BenchmarkError(f"faqmatch index printed no summary: {finished.output!r}")
    phrasings, encoded = (int(number.replace(",", "")) for number in summary.groups())
    return _Job(name=name, phrasings=phrasings, encoded=encoded, finished=finished)


def _choose(texts: Sequence[str], count: int, generator: np.random.Generator) -> list[str]:
    forms = sorted({normalise.text(text) for text in texts})
    return [forms[row] for row in generator.permutation(len(forms))[:count]]


def _tables(
    jobs: Sequence[_Job], recalls: Mapping[str, Recall], times: Mapping[str, Mapping[str, Durations]]
) -> list[Table]:
    return [
        Table(
            title="faqmatch index",
            columns=("file", "phrasings", "texts encoded", "wall s", "peak RSS MB"),
            rows=[
                [
                    job.name,
                    f"{job.phrasings:,}",
                    f"{job.encoded:,}",
                    f"{job.finished.wall_s:.1f}",
                    f"{job.finished.peak_mb:,.0f}",
                ]
                for job in jobs
            ],
        ),
        Table(
            title="Recall of the index against exact search, 95 % intervals in brackets",
            columns=("queries", "recall@1", "recall@10"),
            rows=[[name, recall.at_1.show(4), recall.at_10.show(4)] for name, recall in recalls.items()],
        ),
        Table(
            title="One search, 95 % intervals in brackets",
            columns=("queries", "search", *durations.COLUMNS),
            rows=[[name, kind, *one.cells()] for name, found in times.items() for kind, one in found.items()],
        ),
    ]
