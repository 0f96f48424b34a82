"""`quality`: does the encoder find the right question, and what has int8 cost against the fp32 checkpoint?

The sets are development sets: no shipped weights were trained on them. Both encoders see the same normal forms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.circumstances import observe_circumstances
from benchmarks.data_folder import DataFolder, PairSet
from benchmarks.encoding import MeasuredEncoder, measured_checkpoint, measured_model
from benchmarks.errors import BenchmarkError
from benchmarks.report import Report, Table
from benchmarks.set_scores import SetScores, score_pairs, score_retrieval
from models.directory import find_model
from models.encoder import OnnxEncoder
from models.evaluation import Encode, RetrievalSet, read_retrieval_set
from models.intervals import mean_interval

RETRIEVAL_SETS: Final = ("cic_dataclue", "covid_q", "datatalks_faq", "banking77", "banking77_oos", "clinc150")
PAIR_SETS: Final[Mapping[str, str]] = {"bustm": "test", "afqmc": "dev", "lcqmc": "dev"}
"""Name to the part that is judged."""
QUICK_SETS: Final = ("covid_q", "bustm")
_QUICK_ITEMS: Final = 200
"""Queries or pairs of each set that --quick judges."""


@dataclass(frozen=True, kw_only=True)
class QualityOptions:
    """What to judge."""

    data: Path
    model: str
    threads: int
    checkpoint: Path | None = None
    sets: tuple[str, ...] = (*RETRIEVAL_SETS, *PAIR_SETS)
    quick: bool = False


@dataclass(frozen=True, kw_only=True)
class _LabelledSet:
    name: str
    sizes: Mapping[str, int]
    score: Callable[[Encode], SetScores]


def measure_quality(options: QualityOptions) -> Report:
    """Score the model, and the checkpoint beside it where one is named, on each set."""
    circumstances = observe_circumstances(("torch", "transformers") if options.checkpoint else ())
    labelled = [_read_set(options, name) for name in options.sets]
    model = OnnxEncoder.open(find_model(options.model), options.threads)
    encoders = [measured_model(model)]
    if options.checkpoint:
        encoders.append(measured_checkpoint(options.checkpoint, model.spec.max_tokens, options.threads))
    scores = {data.name: [data.score(encoder.encode) for encoder in encoders] for data in labelled}
    return Report(
        name="quality",
        circumstances=circumstances.complete(),
        settings={
            "model": model.spec.label,
            "checkpoint": str(options.checkpoint) if options.checkpoint else None,
            "threads": options.threads,
            "max_tokens": model.spec.max_tokens,
            "quick": options.quick,
        },
        results={
            "sets": {data.name: _set_to_json(data, scores[data.name], encoders) for data in labelled},
            "encoding": {e.name: {"texts": e.encoded, "seconds": e.seconds} for e in encoders},
        },
        tables=[_table(labelled, scores, encoders)],
    )


def _read_set(options: QualityOptions, name: str) -> _LabelledSet:
    data, limit = DataFolder(options.data), _QUICK_ITEMS if options.quick else None
    if name in PAIR_SETS:
        pairs = _first_pairs(data.read_pairs(name, PAIR_SETS[name]), limit)
        return _LabelledSet(
            name=f"{name}/{PAIR_SETS[name]}",
            sizes={"pairs": len(pairs.label)},
            score=lambda encode: score_pairs(encode, pairs),
        )
    if name not in RETRIEVAL_SETS:
        raise BenchmarkError(f"set {name}: unknown (there are {', '.join((*RETRIEVAL_SETS, *PAIR_SETS))})")
    found = _first_queries(read_retrieval_set(data.find(f"{name}/faq.jsonl").parent), limit)
    in_scope = sum(bool(relevant) for relevant in found.relevant)
    return _LabelledSet(
        name=name,
        sizes={
            "entries": int(found.group_of_text.max()) + 1,
            "phrasings": len(found.texts),
            "in_scope": in_scope,
            "out_of_scope": len(found.queries) - in_scope,
        },
        score=lambda encode: score_retrieval(encode, found),
    )


def _first_queries(data: RetrievalSet, limit: int | None) -> RetrievalSet:
    return replace(data, queries=data.queries[:limit], relevant=data.relevant[:limit])


def _first_pairs(data: PairSet, limit: int | None) -> PairSet:
    return replace(data, texts_a=data.texts_a[:limit], texts_b=data.texts_b[:limit], label=data.label[:limit])


def _difference(scores: Sequence[SetScores]) -> dict[str, Any]:
    """Give int8 minus fp32; the first metric item by item, so that its interval is that of paired judgements."""
    int8, fp32 = scores
    paired = mean_interval(int8.judged.astype(np.float64) - fp32.judged)
    plain = {name: value - fp32.metrics[name] for name, value in int8.metrics.items()}
    return {**plain, next(iter(plain)): paired.to_json()}


def _set_to_json(
    data: _LabelledSet, scores: Sequence[SetScores], encoders: Sequence[MeasuredEncoder]
) -> dict[str, Any]:
    by_encoder = {encoder.name: one.to_json() for encoder, one in zip(encoders, scores, strict=True)}
    difference = {"difference": _difference(scores)} if len(scores) > 1 else {}
    return {"sizes": dict(data.sizes), **by_encoder, **difference}


def _table(
    labelled: Sequence[_LabelledSet], scores: Mapping[str, Sequence[SetScores]], encoders: Sequence[MeasuredEncoder]
) -> Table:
    rows = []
    for data in labelled:
        for number, metric in enumerate(scores[data.name][0].metrics):
            cells = [one.headline.show(4) if number == 0 else f"{one.metrics[metric]:.4f}" for one in scores[data.name]]
            if len(encoders) > 1:
                cells.append(_show_difference(_difference(scores[data.name])[metric]))
            about = [data.name, _show_sizes(data.sizes)] if number == 0 else ["", ""]
            rows.append([*about, metric, *cells])
    columns = ("set", "sizes", "metric", *(encoder.name for encoder in encoders))
    return Table(
        title="Quality, 95 % intervals in brackets",
        columns=(*columns, "difference")[: len(columns) + len(encoders) - 1],
        rows=rows,
    )


def _show_difference(value: float | Mapping[str, float]) -> str:
    if isinstance(value, float):
        return f"{value:+.4f}"
    return f"{value['value']:+.4f} [{value['low']:+.4f}, {value['high']:+.4f}]"


def _show_sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in islice(sizes.items(), 4) if count)
