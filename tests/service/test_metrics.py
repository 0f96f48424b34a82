import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def fresh_service(start_service):
    return start_service()


def samples(service) -> dict[tuple, float]:
    response = service.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_requests_decisions_stages_and_versions_are_counted(fresh_service):
    for _ in range(3):
        fresh_service.query("q")
    fresh_service.post("/v1/kbs/other/query/batch", json={"questions": ["a", "b"]})
    fresh_service.query("q", kb="nowhere")
    fresh_service.get("/a/path/that/nobody/knows")
    httpx.request("INVENT", f"{fresh_service.url}/healthz")
    found = samples(fresh_service)

    def requests(method: str, route: str, status: str) -> float:
        return found["faqmatch_requests_total", ("method", method), ("route", route), ("status", status)]

    query = "/v1/kbs/{kb}/query"
    assert requests("POST", query, "200") == 3
    assert requests("POST", f"{query}/batch", "200") == 1
    assert requests("POST", query, "404") == 1
    assert requests("GET", "unmatched", "404") == 1
    assert found["faqmatch_request_seconds_count", ("route", query)] == 4
    assert found["faqmatch_decisions_total", ("decision", "answer"), ("kb", "demo")] == 3
    assert found["faqmatch_decisions_total", ("decision", "answer"), ("kb", "other")] == 2
    assert found["faqmatch_stage_seconds_count", ("stage", "encode")] == 5
    assert found["faqmatch_stage_seconds_sum", ("stage", "encode")] == pytest.approx(0.015)
    assert found["faqmatch_version_info", ("kb", "demo"), ("version", "20261124T101502-3f2a")] == 1
    assert found["faqmatch_reranker_info", ("reranker", "judge@0123456789ab")] == 1
    assert not any(("kb", "loading") in labels for labels in found)
    assert found[("faqmatch_queue_waiting",)] == found[("faqmatch_queue_running",)] == 0
    assert found[("process_resident_memory_bytes",)] > 0


def test_a_client_cannot_invent_labels(fresh_service):
    fresh_service.get("/invented-path")
    fresh_service.query("q", kb="invented-kb")
    fresh_service.get("/docs/assets/invented-file.js")
    httpx.request("PROPFIND", f"{fresh_service.url}/healthz")
    labels = str(samples(fresh_service).keys())
    assert "invented" not in labels
    assert "PROPFIND" not in labels
    assert "('method', 'other'), ('route', '/healthz'), ('status', '405')" in labels
