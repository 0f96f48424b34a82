"""Runs the comparison set by set and makes a report of it."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

from benchmarks.circumstances import observe_circumstances
from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError
from benchmarks.report import Report, Table
from benchmarks.siamese_vs_cross_encoder.claims import CLAIM, tell_claims, tell_disturbance
from benchmarks.siamese_vs_cross_encoder.forms import LABELS, FormName
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions
from benchmarks.siamese_vs_cross_encoder.peak_memory import WAYS, measure_peak_memory
from benchmarks.siamese_vs_cross_encoder.question_sets import keep_in_scope, read_set
from benchmarks.siamese_vs_cross_encoder.rows import table_of
from benchmarks.siamese_vs_cross_encoder.set_measurement import MeasuredSet, measure_set, require_enough
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, INTERACTION, SIMILARITY, TWO_STAGE
from models.directory import open_directory
from models.interaction import OnnxInteractionHead, has_interaction_head

_PACKAGES: Final = ("torch", "transformers", "matplotlib")
_EXTRAS: Final = "pip install torch==2.13.0 'faqmatch[train,report]'"


def measure_siamese_vs_cross_encoder(options: ComparisonOptions) -> Report:
    """Compare all ways in all forms on each set."""
    networks, torch_networks, plot = (_load(name) for name in ("networks", "torch_networks", "plot"))
    circumstances = observe_circumstances(_PACKAGES)
    sets = [keep_in_scope(read_set(name, DataFolder(options.data)), options.queries) for name in options.sets]
    for data in sets:
        require_enough(data, options)
    directory = open_directory(options.encoder)
    head = OnnxInteractionHead.open(directory).label if has_interaction_head(directory) else None
    ways = (SIMILARITY, *([INTERACTION] if head else []), CROSS_ENCODER, TWO_STAGE)
    with tempfile.TemporaryDirectory(prefix="faqmatch-benchmark-") as folder:
        prepared = networks.prepare_networks(options, Path(folder))
        found = [measure_set(data, options, ways, prepared.files, prepared.random) for data in sets]
        memory = {form: measure_peak_memory(form, prepared.files, found[0].longest, Path(folder)) for form in LABELS}
    circumstances = circumstances.complete()
    notes = [*prepared.notes, *map(_tell_agreement, found)]
    claims = [CLAIM, *tell_disturbance(circumstances.cores_busy_with_others)]
    for one in found:
        claims += tell_claims(one.name, one.rows, one.pair_characters, str(prepared.reranker_shape))
    return Report(
        name="siamese_vs_cross_encoder",
        circumstances=circumstances,
        settings={
            "encoder": f"{prepared.encoder} ({prepared.encoder_shape})",
            "reranker": f"{prepared.reranker} ({prepared.reranker_shape})",
            "interaction": head,
            "encoder_checkpoint": str(options.encoder_checkpoint) if options.encoder_checkpoint else None,
            "reranker_checkpoint": str(options.reranker_checkpoint) if options.reranker_checkpoint else None,
            "threads": 1,
            "threads_of_judging": options.threads,
            "pairs_a_run": {"int8": 1, "fp32": 1, "torch": torch_networks.BATCH},
            "blocks": options.blocks,
            "warm_up": options.warm_up,
            "quick": options.quick,
        },
        results={
            "sets": {data.name: _set_to_json(data) for data in found},
            "peak_memory_mb": memory,
            "notes": notes,
            "claims": claims,
        },
        tables=[
            *(table_of(data.name, data.rows) for data in found),
            Table(title="Sets", columns=("", *found[0].sizes), rows=[_size_cells(data) for data in found]),
            _memory_table(memory),
        ],
        plot=partial(plot.draw_rows, {data.name: data.rows for data in found}),
        remarks={"Notes": notes, "What the article claims, and these rows": claims},
    )


def _load(name: str) -> ModuleType:
    """Import what needs more than serving does; BenchmarkError where that is not installed."""
    try:
        return import_module(f"benchmarks.siamese_vs_cross_encoder.{name}")
    except ModuleNotFoundError as missing:
        raise BenchmarkError(f"{missing.name} is not installed: {_EXTRAS}") from missing


def _tell_agreement(data: MeasuredSet) -> str:
    return (
        f"{data.name}: torch and ONNX fp32 are the same networks (cosines differ by at most "
        f"{data.agreement.similarity:.1e}, relevance by {data.agreement.relevance:.1e}), so torch has the P@1 of fp32."
    )


def _set_to_json(data: MeasuredSet) -> dict[str, object]:
    return {
        "sizes": dict(data.sizes),
        "pair_characters": data.pair_characters,
        "rows": [row.to_json() for row in data.rows],
        "torch_and_fp32_differ_by": data.agreement.to_json(),
    }


def _size_cells(data: MeasuredSet) -> Sequence[str]:
    return [data.name, *(f"{count:,}" for count in data.sizes.values())]


def _memory_table(memory: Mapping[FormName, Mapping[str, float]]) -> Table:
    return Table(
        title="Peak memory of a process that does this alone, MB",
        columns=("form", *(way.label for way in WAYS)),
        rows=[[LABELS[form], *(f"{memory[form][way.name]:,.0f}" for way in WAYS)] for form in LABELS],
    )
