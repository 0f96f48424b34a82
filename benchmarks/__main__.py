"""`python -m benchmarks NAME`: prints a table, and with --report writes NAME.json and NAME.md."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.bundled import BundledOptions, measure_bundled
from benchmarks.encoding import named_folders
from benchmarks.errors import BenchmarkError
from benchmarks.filters import FiltersOptions, measure_filters
from benchmarks.labelled_sets import ALL_SETS
from benchmarks.latency import LatencyOptions, measure_latency
from benchmarks.publish_under_load import PublishOptions, measure_publish_under_load
from benchmarks.quality import QUICK_SETS, QualityOptions, measure_quality
from benchmarks.report import Report
from benchmarks.scale import ScaleOptions, measure_scale
from benchmarks.siamese_vs_cross_encoder.measurement import measure_siamese_vs_cross_encoder
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions, resolve_reranker
from benchmarks.siamese_vs_cross_encoder.question_sets import BUNDLED
from indexer.errors import IndexerError
from models.directory import DEFAULT_MODEL, find_model
from models.errors import ModelError
from models.reranker_directory import DEFAULT_RERANKER
from service.cores import available_cores
from service.errors import ServiceError

app = typer.Typer(
    name="python -m benchmarks",
    help="Measure faqmatch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

QuickOption = Annotated[bool, typer.Option("--quick", help="A small run, to see that it works; no figures.")]
ReportOption = Annotated[Path | None, typer.Option(help="Folder to write NAME.json and NAME.md into.")]
DataOption = Annotated[Path, typer.Option(help="Folder of the data sets.")]
ModelOption = Annotated[str, typer.Option(help="Shipped model or model folder.")]
CheckpointOption = Annotated[
    Path | None, typer.Option(help="Its checkpoint folder, for fp32 and torch [default: random weights of its shape].")
]
ThreadsOption = Annotated[int, typer.Option(min=1, help="Texts encoded side by side.")]

_DATA: Final = Path("../shared/data")
_CORES: Final = available_cores()


def main() -> None:
    """Run a benchmark: what cannot be measured is one line on standard error and exit code 1."""
    try:
        app()
    except (BenchmarkError, IndexerError, ModelError, ServiceError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        raise SystemExit(1) from None


@app.command()
def quality(
    sets: Annotated[
        str,
        typer.Option(
            help=f"Comma separated, of {', '.join(ALL_SETS)} [default: all, with --quick {', '.join(QUICK_SETS)}]."
        ),
    ] = "",
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help=f"Shipped model or model folder; may be repeated: all are compared with the first. "
            f"[default: {DEFAULT_MODEL}]",
        ),
    ] = None,
    checkpoints: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            metavar="NAME=DIR",
            help="Folder or package of a checkpoint, judged in fp32: that of the model NAME, or of another network, "
            "which gets this name; may be repeated.",
        ),
    ] = None,
    english: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="The other network NAME knows English alone; may be repeated."),
    ] = None,
    threads: ThreadsOption = _CORES,
    data: DataOption = _DATA,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """Labelled sets: P@1, MRR@10, hit@10 of FAQs; AP, Spearman, accuracy of pairs; several models side by side."""
    options = QualityOptions(
        data=data,
        threads=threads,
        models=tuple(models or (DEFAULT_MODEL,)),
        checkpoints=named_folders(checkpoints or ()),
        english=tuple(english or ()),
        sets=tuple(sets.split(",")) if sets else QUICK_SETS if quick else ALL_SETS,
        quick=quick,
    )
    _give(measure_quality(options), report)


@app.command()
def bundled(
    errors: Annotated[bool, typer.Option("--errors", help="List what was answered wrongly.")] = False,
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = _CORES,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """The bundled FAQ: decisions with everything as it comes out of the box."""
    _give(measure_bundled(BundledOptions(model=model, threads=threads, quick=quick, errors=errors)), report)


@app.command()
def latency(
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = _CORES,
    data: DataOption = _DATA,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """One query at a time over HTTP, 10,000 phrasings (--quick: 300, generated)."""
    if quick:
        options = LatencyOptions(
            data=None, model=model, threads=threads, entries=300, queries=80, warm_up=20, block=20, starts=1
        )
    else:
        options = LatencyOptions(data=data, model=model, threads=threads)
    _give(measure_latency(options), report)


@app.command()
def scale(
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = _CORES,
    data: DataOption = _DATA,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """Index medquad three times, then recall and time of its index (--quick: its first 400 rows)."""
    sizes = {"rows": 400, "queries": 100} if quick else {}
    _give(measure_scale(ScaleOptions(data=data, model=model, threads=threads, **sizes)), report)


@app.command(name="publish_under_load")
def publish_under_load(
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = _CORES,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """100 publishes while 8 clients ask (--quick: 10 and 2)."""
    if quick:
        options = PublishOptions(model=model, threads=threads, publishes=10, clients=2, quiet_s=0.5)
    else:
        options = PublishOptions(model=model, threads=threads)
    _give(measure_publish_under_load(options), report)


@app.command()
def filters(
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = _CORES,
    data: DataOption = _DATA,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """A tag that one of 10,000 entries carries (--quick: 400, generated)."""
    if quick:
        options = FiltersOptions(data=None, model=model, threads=threads, entries=400, tags=50)
    else:
        options = FiltersOptions(data=data, model=model, threads=threads)
    _give(measure_filters(options), report)


@app.command(name="siamese_vs_cross_encoder")
def siamese_vs_cross_encoder(
    sets: Annotated[
        str,
        typer.Option(help="Comma separated: the bundled FAQ, or folders of --data with faq.jsonl and queries.jsonl."),
    ] = BUNDLED,
    queries: Annotated[int | None, typer.Option(min=1, help="Of each set, at most, for P@1 [default: all].")] = None,
    timed: Annotated[int, typer.Option(min=10, help="Of these, at most, that are timed.")] = 40,
    encoder: ModelOption = DEFAULT_MODEL,
    reranker: Annotated[
        str, typer.Option(help="Shipped reranker or its folder; random weights where the default is not shipped.")
    ] = DEFAULT_RERANKER,
    encoder_checkpoint: CheckpointOption = None,
    reranker_checkpoint: CheckpointOption = None,
    threads: ThreadsOption = _CORES,
    data: DataOption = _DATA,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """A query by similarity, interaction head, cross-encoder and both in turn, as int8, fp32 and torch."""
    options = ComparisonOptions(
        encoder=find_model(encoder),
        reranker=resolve_reranker(reranker),
        encoder_checkpoint=encoder_checkpoint,
        reranker_checkpoint=reranker_checkpoint,
        data=data,
        sets=tuple(sets.split(",")),
        queries=queries,
        timed=timed,
        threads=threads,
    )
    _give(measure_siamese_vs_cross_encoder(options.quickened() if quick else options), report)


def _give(report: Report, folder: Path | None) -> None:
    report.show()
    if folder is not None:
        report.write(folder)


if __name__ == "__main__":
    main()
