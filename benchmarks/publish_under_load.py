"""`publish_under_load`: versions are replaced while clients ask; no request may fail, no reply may mix two versions.

Two contents take turns that differ in a mark before every answer. A reply is mixed when any answer in it carries
another mark than the version that it names. A second process publishes, with pauses by chance between none and a
good half second, so that the service, which looks four times a second, must skip some versions and take others while
the next is being written.
"""

import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.bundled import FOLDER, read_queries
from benchmarks.circumstances import observe_circumstances
from benchmarks.durations import COLUMNS, durations_of
from benchmarks.errors import BenchmarkError
from benchmarks.knowledge_base import KB, OpenKnowledgeBase, build_knowledge_base
from benchmarks.marked_publisher import MARKS, marked_entries, publishing
from benchmarks.report import Report, Table
from benchmarks.served_home import ServedHome, serve_home

_WARM_UP_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class PublishOptions:
    """Sizes of the run."""

    model: str
    threads: int
    publishes: int = 100
    clients: int = 8
    longest_pause_s: float = 0.6
    quiet_s: float = 10.0
    """Load without publishing, once before and once after, to compare with: the two tell how steady the machine is."""


@dataclass
class Observed:
    """What one client saw."""

    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    marks_of_version: dict[str, set[str]] = field(default_factory=dict)
    """Version that a reply named -> the marks of the answers in replies that named it."""
    replies_of_pair: dict[tuple[str, str], int] = field(default_factory=dict)
    """(version, marks joined) -> number of replies."""

    def take(self, reply: Mapping[str, Any]) -> None:
        """Note the version and the marks of a reply."""
        marks = marks_of(reply)
        version = str(reply["version"])
        self.marks_of_version.setdefault(version, set()).update(marks)
        pair = (version, "".join(sorted(marks)))
        self.replies_of_pair[pair] = self.replies_of_pair.get(pair, 0) + 1


def measure_publish_under_load(options: PublishOptions) -> Report:
    """Serve, and ask before, while and after versions are published."""
    circumstances = observe_circumstances()
    with tempfile.TemporaryDirectory(prefix="faqmatch-benchmark-") as folder:
        home = Path(folder)
        first = build_knowledge_base(home, marked_entries(MARKS[0]), options.model, options.threads)
        label = OpenKnowledgeBase.open(home).version.manifest.encoder.label
        with serve_home(home, options.threads) as service:
            with _clients(service, options.clients):
                time.sleep(_WARM_UP_S)
            with _clients(service, options.clients) as quiet_before:
                time.sleep(options.quiet_s)
            with (
                _clients(service, options.clients) as loaded,
                publishing(home, options.publishes, options.longest_pause_s) as publisher,
            ):
                published = publisher.wait()
                last = _wait_until_served(service, published[-1].version)
            with _clients(service, options.clients) as quiet_after:
                time.sleep(options.quiet_s)
            memory = service.memory()
    mark_of_version = {first.version: MARKS[0], **{one.version: one.mark for one in published}}
    results = summarise_load(loaded, mark_of_version)
    results |= {
        "publishes": len(published),
        "publish": durations_of([one.seconds * 1000 for one in published]).to_json(),
        "last_version_taken_after_s": last,
        "quiet_before": summarise_load(quiet_before, mark_of_version),
        "quiet_after": summarise_load(quiet_after, mark_of_version),
        "server_memory": {"after_mb": memory.resident_mb, "peak_mb": memory.peak_mb},
    }
    return Report(
        name="publish_under_load",
        circumstances=circumstances.complete(),
        settings={
            "model": label,
            "threads": options.threads,
            "publishes": options.publishes,
            "clients": options.clients,
            "longest_pause_s": options.longest_pause_s,
            "quiet_s": options.quiet_s,
            "warm_up_s": _WARM_UP_S,
        },
        results=results,
        tables=_tables(
            results,
            {
                "queries, before": _milliseconds(quiet_before),
                "queries while publishing": _milliseconds(loaded),
                "queries, after": _milliseconds(quiet_after),
                "publishing": [one.seconds * 1000 for one in published],
            },
        ),
    )


def marks_of(reply: Mapping[str, Any]) -> set[str]:
    """Give the marks of all answers in a reply; what carries none counts as a mark of its own."""
    answers = [reply["answer"], *(match["answer"] for match in reply["matches"])]
    return {_mark_of(answer) for answer in answers if answer is not None}


def summarise_load(observed: Sequence[Observed], mark_of_version: Mapping[str, str]) -> dict[str, Any]:
    """Count failed requests, mixed replies and versions, and sum up the durations, over all clients."""
    pairs = [pair for one in observed for pair in one.replies_of_pair.items()]
    failures = [failure for one in observed for failure in one.failures]
    return {
        "requests": sum(replies for _, replies in pairs) + len(failures),
        "failed": len(failures),
        "first_failures": failures[:5],
        "mixed": sum(n for (version, marks), n in pairs if marks not in ("", mark_of_version.get(version))),
        "distinct_versions": len({version for (version, _), _ in pairs}),
        "unknown_versions": len({version for (version, _), _ in pairs} - mark_of_version.keys()),
        "duration": durations_of(_milliseconds(observed)).to_json(),
    }


def _mark_of(answer: str) -> str:
    return next((mark for mark in MARKS if answer.startswith(mark)), "[no mark] ")


def _milliseconds(observed: Iterable[Observed]) -> list[float]:
    return [taken for one in observed for taken in one.milliseconds]


@contextmanager
def _clients(service: ServedHome, number: int) -> Iterator[list[Observed]]:
    """Let clients ask without pause until the block ends; what they saw is complete then."""
    questions = [query.query for query in read_queries(FOLDER / "queries.jsonl")]
    observed = [Observed() for _ in range(number)]
    stop = threading.Event()
    with ThreadPoolExecutor(number) as pool:
        running: list[Future[None]] = [
            pool.submit(_ask, service, questions[place * len(questions) // number :] + questions, stop, one)
            for place, one in enumerate(observed)
        ]
        try:
            yield observed
        finally:
            stop.set()
    for client in running:
        client.result()


def _ask(service: ServedHome, questions: Sequence[str], stop: threading.Event, observed: Observed) -> None:
    with service.client() as client:
        for number in count():
            if stop.is_set():
                return
            try:
                exchange = client.query(KB, questions[number % len(questions)])
            except BenchmarkError as error:
                observed.failures.append(str(error))
                continue
            if exchange.status != 200:
                observed.failures.append(f"{exchange.status}: {exchange.reply}")
                continue
            observed.milliseconds.append(exchange.milliseconds)
            observed.take(exchange.reply)


def _wait_until_served(service: ServedHome, version: str) -> float:
    """Give the seconds until replies name `version`; BenchmarkError when that takes longer than ten."""
    begin = time.perf_counter()
    with service.client() as client:
        while client.query(KB, "hello").reply["version"] != version:
            if time.perf_counter() - begin > 10:
                raise BenchmarkError(f"the service did not take version {version}, the last one published")
            time.sleep(0.01)
    return time.perf_counter() - begin


def _tables(results: Mapping[str, Any], milliseconds: Mapping[str, Sequence[float]]) -> list[Table]:
    counts = ("publishes", "requests", "failed", "mixed", "distinct_versions", "unknown_versions")
    rows = [[name.replace("_", " "), f"{results[name]:,}"] for name in counts]
    rows.append(["last version taken after, s", f"{results['last_version_taken_after_s']:.2f}"])
    rows += [[f"server {name}", f"{value:,.1f}"] for name, value in results["server_memory"].items()]
    return [
        Table(title="Publishing under load", columns=("", "count"), rows=rows),
        Table(
            title="Durations, 95 % intervals in brackets",
            columns=("", *COLUMNS),
            rows=[[name, *durations_of(values).cells()] for name, values in milliseconds.items()],
        ),
    ]
