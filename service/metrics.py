"""What Prometheus may know of the service: one registry an app, labels only from closed sets."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.errors import Refusal
from service.gate import Gate
from service.matching import KnowledgeBases, MatchResult

_REQUEST_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5)
_STAGE_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1)


class Metrics:
    """The metrics of one app."""

    def __init__(self, knowledge_bases: KnowledgeBases, gate: Gate) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # each would come twice, once more with the time of its first use
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "faqmatch_requests", "Requests answered.", ("route", "method", "status"), registry=self._registry
        )
        self._request_seconds = Histogram(
            "faqmatch_request_seconds",
            "Time from a request's headers to the end of its reply.",
            ("route",),
            buckets=_REQUEST_BUCKETS,
            registry=self._registry,
        )
        self._stage_seconds = Histogram(
            "faqmatch_stage_seconds",
            "Time of one stage of one query.",
            ("stage",),
            buckets=_STAGE_BUCKETS,
            registry=self._registry,
        )
        self._decisions = Counter("faqmatch_decisions", "Decisions made.", ("kb", "decision"), registry=self._registry)
        waiting = Gauge("faqmatch_queue_waiting", "Requests that wait for a thread.", registry=self._registry)
        waiting.set_function(lambda: gate.waiting)
        running = Gauge("faqmatch_queue_running", "Requests that a thread is on.", registry=self._registry)
        running.set_function(lambda: gate.running)
        self._registry.register(_Served(knowledge_bases))
        ProcessCollector(registry=self._registry)

    def count_request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; `route` is a template, never a path."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def count_match(self, kb: str, result: MatchResult) -> None:
        """Count one decision and the time of its stages; `kb` is one that is served."""
        self._decisions.labels(kb, result.decision).inc()
        for stage, milliseconds in result.timings_ms.items():
            self._stage_seconds.labels(stage).observe(milliseconds / 1000)

    def render(self) -> bytes:
        """Give all metrics in the Prometheus text format."""
        return generate_latest(self._registry)


class _Served(Collector):
    """What is served, asked for when scraped: a version that is no longer served leaves no trace."""

    def __init__(self, knowledge_bases: KnowledgeBases) -> None:
        self._knowledge_bases = knowledge_bases

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give 1 for the version now served of each knowledge base, and for the reranker."""
        family = GaugeMetricFamily(
            "faqmatch_version_info", "1 for the version now served of each knowledge base.", labels=("kb", "version")
        )
        for kb in self._knowledge_bases.names():
            try:
                version = self._knowledge_bases.describe(kb).version
            except Refusal:  # gone between the two calls
                continue
            if version is not None:
                family.add_metric((kb, version), 1)
        yield family
        reranker = GaugeMetricFamily("faqmatch_reranker_info", "1 for the reranker, if any.", labels=("reranker",))
        if (label := self._knowledge_bases.reranker()) is not None:
            reranker.add_metric((label,), 1)
        yield reranker
