import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest


@pytest.fixture(scope="module")
def narrow_service(start_service):
    """One thread, one place in the queue."""
    return start_service(FAQMATCH_THREADS="1", FAQMATCH_QUEUE="1", FAQMATCH_DEADLINE_MS="60000")


@pytest.fixture(scope="module")
def impatient_service(start_service):
    return start_service(FAQMATCH_THREADS="1", FAQMATCH_QUEUE="5", FAQMATCH_DEADLINE_MS="100")


def gauge(service, name: str) -> float:
    lines = service.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def wait_for_gauge(service, name: str, value: float) -> None:
    while gauge(service, name) != value:
        time.sleep(0.02)


def test_a_question_alone_brings_a_whole_reply(open_service):
    response = open_service.query("i forgot my pass word")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    reply = response.json()
    assert reply.pop("request_id") == response.headers["x-request-id"]
    answer = "<script>alert('hi')</script> 打开设置"
    assert reply == {
        "decision": "answer",
        "answer": answer,
        "confidence": 0.987654,
        "matches": [
            {
                "id": "echo",
                "question": "i forgot my pass word",
                "matched_phrasing": "i forgot my pass word",
                "match_type": "dense",
                "answer": answer,
                "similarity": 0.123457,
                "affinity": None,
                "relevance": None,
                "confidence": 0.987654,
                "tags": [],
                "metadata": {"top": 5, "rerank": "auto"},
            }
        ],
        "thresholds": {"answer": 0.8, "clarify": 0.4},
        "calibration": "default@1f0c",
        "version": "20261124T101502-3f2a",
        "model": "fake@0123456789ab",
        "reranked": 0,
        "degraded": False,
        "notices": [],
        "timings_ms": {"encode": 3.0, "total": 4.0},
        "explain": None,
    }


def test_all_options_reach_the_matcher(open_service):
    body = {
        "question": "q",
        "top": 7,
        "rerank": "on",
        "budget_ms": 100,
        "filters": {"tags": ["a", "b"]},
        "thresholds": {"answer": 1, "clarify": 0.25},
        "explain": True,
        "user_id": "u1",
        "session_id": "s1",
    }
    reply = open_service.post("/v1/kbs/demo/query", json=body).json()
    assert reply["matches"][0]["metadata"] == {"top": 7, "rerank": "on"}
    assert reply["matches"][0]["tags"] == ["a", "b"]
    assert reply["thresholds"] == {"answer": 1.0, "clarify": 0.25}
    assert reply["explain"] == {"query": "q"}


def test_a_batch_keeps_the_order_of_its_questions(open_service):
    questions = [f"question {number}" for number in range(64)]
    response = open_service.post("/v1/kbs/demo/query/batch", json={"questions": questions, "top": 2})
    assert response.status_code == 200
    results = response.json()["results"]
    assert [reply["matches"][0]["question"] for reply in results] == questions
    assert {reply["request_id"] for reply in results} == {response.headers["x-request-id"]}
    assert results[0]["matches"][0]["metadata"] == {"top": 2, "rerank": "auto"}


@pytest.mark.parametrize("count", [0, 65])
def test_a_batch_of_none_or_too_many_is_refused(open_service, count):
    response = open_service.post("/v1/kbs/demo/query/batch", json={"questions": ["q"] * count})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "#/questions"


def test_a_batch_takes_one_place_in_the_queue(narrow_service):
    response = narrow_service.post("/v1/kbs/demo/query/batch", json={"questions": ["q"] * 20})
    assert response.status_code == 200


@pytest.mark.parametrize("batch", [False, True])
def test_what_cannot_be_reranked_is_422_with_the_field_and_the_fix(open_service, batch):
    path, body = ("query/batch", {"questions": ["no reranker"]}) if batch else ("query", {"question": "no reranker"})
    refused = open_service.post(f"/v1/kbs/demo/{path}", json={**body, "rerank": "on"})
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["type"] == "urn:faqmatch:problem:validation"
    assert problem["detail"] == "#/rerank: there is none: ask with rerank off"
    assert problem["errors"] == [{"pointer": "#/rerank", "detail": "there is none: ask with rerank off"}]
    for rerank in ("auto", "off"):
        assert open_service.post(f"/v1/kbs/demo/{path}", json={**body, "rerank": rerank}).status_code == 200


def test_an_unknown_knowledge_base_is_404(open_service):
    response = open_service.query("q", kb="nowhere")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:faqmatch:problem:unknown-knowledge-base"
    assert "'nowhere'" in response.json()["detail"]


def test_a_knowledge_base_that_is_being_loaded_is_503(open_service):
    response = open_service.query("q", kb="loading")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:faqmatch:problem:not-ready"


def test_a_request_beyond_the_queue_is_429_at_once_and_the_others_are_answered(narrow_service):
    with ThreadPoolExecutor(2) as clients:
        running = clients.submit(narrow_service.query, "sleep 1.5")
        wait_for_gauge(narrow_service, "faqmatch_queue_running", 1)
        waiting = clients.submit(narrow_service.query, "q")
        wait_for_gauge(narrow_service, "faqmatch_queue_waiting", 1)
        started = time.monotonic()
        refused = narrow_service.query("q")
        assert time.monotonic() - started < 1
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["type"] == "urn:faqmatch:problem:queue-full"
        assert [running.result().status_code, waiting.result().status_code] == [200, 200]
    assert narrow_service.query("q").status_code == 200


def test_a_request_that_waits_too_long_is_504_before_the_thread_is_free(impatient_service):
    with ThreadPoolExecutor(1) as clients:
        running = clients.submit(impatient_service.query, "sleep 1.5")
        wait_for_gauge(impatient_service, "faqmatch_queue_running", 1)
        late = impatient_service.query("q")
        assert late.status_code == 504
        assert "100 ms" in late.json()["detail"]
        assert not running.done()
        assert running.result().status_code == 200


def test_a_client_that_hangs_up_frees_its_place(narrow_service):
    with ThreadPoolExecutor(1) as clients:
        running = clients.submit(narrow_service.query, "sleep 2")
        wait_for_gauge(narrow_service, "faqmatch_queue_running", 1)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{narrow_service.url}/v1/kbs/demo/query",
                json={"question": "q"},
                headers={"X-Request-ID": "gone"},
                timeout=0.2,
            )
        assert narrow_service.wait_for_line(event="request", request_id="gone")["status"] == 499
        assert gauge(narrow_service, "faqmatch_queue_waiting") == 0
        assert not running.done()


def test_queries_run_side_by_side_and_health_is_answered_meanwhile(open_service):
    with ThreadPoolExecutor(2) as clients:
        started = time.monotonic()
        slow = [clients.submit(open_service.query, "sleep 1") for _ in range(2)]
        wait_for_gauge(open_service, "faqmatch_queue_running", 2)
        assert open_service.get("/healthz").status_code == 200
        assert not any(one.done() for one in slow)
        assert [one.result().status_code for one in slow] == [200, 200]
        assert time.monotonic() - started < 1.9


def test_many_clients_at_once_each_get_their_own_answer(open_service):
    barrier = threading.Barrier(8)

    def ask(number: int) -> bool:
        barrier.wait()
        with httpx.Client() as client:
            for turn in range(10):
                question = f"client {number} turn {turn}"
                reply = client.post(f"{open_service.url}/v1/kbs/demo/query", json={"question": question}).json()
                if reply["matches"][0]["question"] != question:
                    return False
        return True

    with ThreadPoolExecutor(8) as clients:
        assert all(clients.map(ask, range(8)))
