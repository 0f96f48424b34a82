"""`latency`: one query at a time over HTTP against a real service process, and what each part of the time is.

One client, one kept-alive connection. In the same run, in blocks that take turns, the same questions go through the
matcher in this process, bare and through the gate that the service sends them through, so that the cost of HTTP and
of the gate's hop to a worker thread are differences between neighbours. This process is idle while the service works.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import uvloop
from numpy.typing import NDArray
from tokenizers import Tokenizer

from benchmarks import durations
from benchmarks.circumstances import observe_circumstances
from benchmarks.data_folder import DataFolder
from benchmarks.durations import Durations, durations_of
from benchmarks.errors import BenchmarkError
from benchmarks.http_client import Client
from benchmarks.knowledge_base import KB, OpenKnowledgeBase, build_knowledge_base
from benchmarks.process_memory import Memory
from benchmarks.question_supply import supply_questions
from benchmarks.report import Report, Table
from benchmarks.served_home import serve_home
from indexer.home import Home
from models import normalise
from models.intervals import Interval, quantile_interval
from service.gate import Gate
from service.matcher import VersionMatcher
from service.matching import MatchOptions

WAYS: Final = ("http", "matcher", "gate", "hop")
"""A query over HTTP; `VersionMatcher.match`; the same through the gate; an empty job through the gate."""
STAGES: Final = ("normalise", "encode", "retrieve", "total")
"""Of `timings_ms`, as the service replies it."""
_QUEUE, _DEADLINE_MS = 64, 2_000


@dataclass(frozen=True, kw_only=True)
class LatencyOptions:
    """Sizes of the run."""

    data: Path | None
    """None = generated questions."""
    model: str
    threads: int
    entries: int = 10_000
    queries: int = 1_000
    warm_up: int = 100
    block: int = 50
    """Queries that go one way before the next way has its turn."""
    starts: int = 3


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Milliseconds of each query, in order, and the memory of the service."""

    ways: Mapping[str, NDArray[np.float64]]
    stages: Mapping[str, NDArray[np.float64]]
    at_rest: Memory
    after: Memory
    ready_s: float


def measure_latency(options: LatencyOptions) -> Report:
    """Index, serve, and ask."""
    circumstances = observe_circumstances()
    data = DataFolder(options.data) if options.data else None
    supply = supply_questions(data, options.entries, options.queries + options.warm_up)
    with tempfile.TemporaryDirectory(prefix="faqmatch-benchmark-") as folder:
        home = Path(folder)
        build_knowledge_base(home, supply.entries, options.model, options.threads)
        opened = OpenKnowledgeBase.open(home)
        tokens = count_tokens(Home(home).model_path(opened.version.manifest.encoder), supply.queries)
        ready = []
        for _ in range(options.starts - 1):
            with serve_home(home, options.threads) as service:
                ready.append(service.ready_s)
        measured = _measure(home, opened.matcher(), supply.queries, options)
        ready.append(measured.ready_s)
    by_way = {way: durations_of(values) for way, values in measured.ways.items()}
    by_stage = {stage: durations_of(values) for stage, values in measured.stages.items()}
    differences = _compare(measured.ways, measured.stages["total"])
    quartiles = by_quartile(measured.ways["http"], tokens[options.warm_up :])
    memory = {"at_rest_mb": measured.at_rest.resident_mb, "after_mb": measured.after.resident_mb}
    memory["peak_mb"] = measured.after.peak_mb
    return Report(
        name="latency",
        circumstances=circumstances.complete(),
        settings={
            "model": opened.version.manifest.encoder.label,
            "threads": options.threads,
            "source": supply.source,
            "entries": len(supply.entries),
            "phrasings": opened.version.manifest.phrasings,
            "index": opened.version.manifest.index.to_json(),
            "queries": options.queries,
            "warm_up": options.warm_up,
            "block": options.block,
            "clients": 1,
        },
        results={
            **{way: found.to_json() for way, found in by_way.items()},
            "stages": {stage: found.to_json() for stage, found in by_stage.items()},
            "median_differences_ms": {name: one.to_json() for name, one in differences.items()},
            "quartiles": quartiles,
            "server_memory": memory,
            "start_to_ready_s": ready,
        },
        tables=_tables(by_way, by_stage, differences, quartiles, memory | {"ready_s": float(np.median(ready))}),
    )


def count_tokens(model: Path, texts: Sequence[str]) -> NDArray[np.int64]:
    """Count the tokens of each text's normal form, special tokens included, the encoder's prefix not."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    return np.array([len(tokenizer.encode(normalise.text(text)).ids) for text in texts])


def by_quartile(milliseconds: NDArray[np.float64], tokens: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Give n, the range of lengths, p50 and p95 of each quarter of the queries, the shortest first."""
    order = np.argsort(tokens, kind="stable")
    quarters = [rows for rows in np.array_split(order, 4) if len(rows)]
    return [
        {
            "n": len(rows),
            "tokens": [int(tokens[rows].min()), int(tokens[rows].max())],
            "p50_ms": quantile_interval(milliseconds[rows], 0.50).to_json(),
            "p95_ms": quantile_interval(milliseconds[rows], 0.95).to_json(),
        }
        for rows in quarters
    ]


def _measure(home: Path, matcher: VersionMatcher, queries: Sequence[str], options: LatencyOptions) -> _Measured:
    with serve_home(home, options.threads) as service, service.client() as client:
        at_rest = service.memory()
        ways, stages = uvloop.run(_take_turns(client, matcher, queries, options))
        after = service.memory()
    return _Measured(ways=ways, stages=stages, at_rest=at_rest, after=after, ready_s=service.ready_s)


async def _take_turns(
    client: Client, matcher: VersionMatcher, queries: Sequence[str], options: LatencyOptions
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Send every query each way, block by block, another way first each time; on the loop that the service has."""
    stages: dict[str, list[float]] = defaultdict(list)
    taken: dict[str, list[float]] = defaultdict(list)
    gate = Gate(threads=options.threads, queue=_QUEUE, deadline_ms=_DEADLINE_MS)
    matching = MatchOptions()

    async def over_http(query: str) -> float:
        exchange = client.query(KB, query)
        if exchange.status != 200:
            raise BenchmarkError(f"the service replied {exchange.status} to {query!r}: {exchange.reply}")
        for stage in STAGES:
            stages[stage].append(exchange.reply["timings_ms"].get(stage, 0.0))
        return exchange.milliseconds

    async def bare(query: str) -> float:
        begin = time.perf_counter()
        matcher.match(query, matching)
        return _since(begin)

    async def through_the_gate(query: str) -> float:
        begin = time.perf_counter()
        await gate.run(matcher.match, query, matching)
        return _since(begin)

    async def empty_job(_query: str) -> float:
        begin = time.perf_counter()
        await gate.run(_do_nothing)
        return _since(begin)

    ask: Mapping[str, Callable[[str], Awaitable[float]]] = dict(
        zip(WAYS, (over_http, bare, through_the_gate, empty_job), strict=True)
    )
    for query in queries[: options.warm_up]:
        for way in WAYS:
            await ask[way](query)
    stages.clear()
    measured = queries[options.warm_up :]
    for turn, begin in enumerate(range(0, len(measured), options.block)):
        for way in (*WAYS[turn % len(WAYS) :], *WAYS[: turn % len(WAYS)]):
            for query in measured[begin : begin + options.block]:
                taken[way].append(await ask[way](query))
    gate.close()
    return {way: np.array(taken[way]) for way in WAYS}, {stage: np.array(stages[stage]) for stage in STAGES}


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1000


def _do_nothing() -> None:
    """Stand for a job that takes no time."""


def _compare(ways: Mapping[str, NDArray[np.float64]], total: NDArray[np.float64]) -> dict[str, Interval]:
    """Give medians of differences, query by query."""
    pairs = {
        "gate - matcher": ways["gate"] - ways["matcher"],
        "http - matcher": ways["http"] - ways["matcher"],
        "http - total of the same request": ways["http"] - total,
    }
    return {name: quantile_interval(values, 0.5) for name, values in pairs.items()}


def _tables(
    by_way: Mapping[str, Durations],
    by_stage: Mapping[str, Durations],
    differences: Mapping[str, Interval],
    quartiles: Sequence[Mapping[str, Any]],
    facts: Mapping[str, float],
) -> list[Table]:
    rows = [[name, *one.cells()] for name, one in by_way.items()]
    rows += [[f"http, stage {name}", *one.cells()] for name, one in by_stage.items()]
    by_length = [
        [
            f"{quarter['tokens'][0]} to {quarter['tokens'][1]}",
            f"{quarter['n']:,}",
            *(Interval(**quarter[name]).show(2) for name in ("p50_ms", "p95_ms")),
        ]
        for quarter in quartiles
    ]
    return [
        Table(title="One query, 95 % intervals in brackets", columns=("way", *durations.COLUMNS), rows=rows),
        Table(
            title="Median difference, the same query",
            columns=("", "ms"),
            rows=[[name, one.show(3)] for name, one in differences.items()],
        ),
        Table(title="HTTP by length of the query", columns=("tokens", "n", "p50 ms", "p95 ms"), rows=by_length),
        Table(title="Service", columns=("", "value"), rows=[[name, f"{value:,.2f}"] for name, value in facts.items()]),
    ]
