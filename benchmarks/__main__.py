"""`python -m benchmarks NAME`: prints a table, and with --report writes NAME.json and NAME.md."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from benchmarks.bundled import BundledOptions, measure_bundled
from benchmarks.errors import BenchmarkError
from benchmarks.filters import FiltersOptions, measure_filters
from benchmarks.latency import LatencyOptions, measure_latency
from benchmarks.publish_under_load import PublishOptions, measure_publish_under_load
from benchmarks.quality import PAIR_SETS, QUICK_SETS, RETRIEVAL_SETS, QualityOptions, measure_quality
from benchmarks.report import Report
from benchmarks.scale import ScaleOptions, measure_scale
from indexer.errors import IndexerError
from models.directory import DEFAULT_MODEL
from models.errors import ModelError
from service.cores import available_cores
from service.errors import ServiceError

app = typer.Typer(
    name="python -m benchmarks",
    help="Measure faqmatch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
_ALL_SETS: Final = ",".join((*RETRIEVAL_SETS, *PAIR_SETS))

QuickOption = Annotated[bool, typer.Option("--quick", help="A small run, to see that it works; no figures.")]
ReportOption = Annotated[Path | None, typer.Option(help="Folder to write NAME.json and NAME.md into.")]
DataOption = Annotated[Path, typer.Option(help="Folder of the data sets.")]
ModelOption = Annotated[str, typer.Option(help="Shipped model or model folder.")]
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
    sets: Annotated[str, typer.Option(help=f"Comma separated [default: all, with --quick {QUICK_SETS}].")] = "",
    checkpoint: Annotated[Path | None, typer.Option(help="Checkpoint to compare with, fp32.")] = None,
    model: ModelOption = DEFAULT_MODEL,
    threads: ThreadsOption = _CORES,
    data: DataOption = _DATA,
    report: ReportOption = None,
    quick: QuickOption = False,
) -> None:
    """Labelled sets: P@1, MRR@10, hit@10 of FAQs; accuracy, AP, Spearman of pairs."""
    names = sets or (",".join(QUICK_SETS) if quick else _ALL_SETS)
    options = QualityOptions(
        data=data, model=model, threads=threads, checkpoint=checkpoint, sets=tuple(names.split(",")), quick=quick
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


def _give(report: Report, folder: Path | None) -> None:
    report.show()
    if folder is not None:
        report.write(folder)


if __name__ == "__main__":
    main()
