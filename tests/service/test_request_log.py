import re

import pytest


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64])
def test_a_request_id_that_is_given_is_kept(open_service, given):
    response = open_service.query("q", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == response.json()["request_id"] == given


@pytest.mark.parametrize("given", [None, "", "x" * 65, "a b", "a/b", '"', "a\tb"])
def test_another_one_is_replaced(open_service, given):
    response = open_service.get("/healthz", headers={} if given is None else {"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


def test_a_query_leaves_one_line_without_its_text(open_service):
    response = open_service.query("a very private question", headers={"X-Request-ID": "line-1"})
    line = open_service.wait_for_line(request_id="line-1")
    assert line.pop("duration_ms") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("ts"))
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": "line-1",
        "method": "POST",
        "route": "/v1/kbs/{kb}/query",
        "status": 200,
        "kb": "demo",
        "decision": "answer",
        "confidence": 0.987654,
        "version": response.json()["version"],
    }
    open_service.get("/healthz", headers={"X-Request-ID": "line-2"})
    open_service.wait_for_line(request_id="line-2")
    assert sum('"line-1"' in text for text in open_service.lines) == 1
    assert "private" not in "".join(open_service.lines)


def test_a_batch_leaves_one_line_with_the_number_of_its_questions(open_service):
    body = {"questions": ["private one", "private two"]}
    open_service.post("/v1/kbs/demo/query/batch", json=body, headers={"X-Request-ID": "batch"})
    line = open_service.wait_for_line(request_id="batch")
    assert line["questions"] == 2
    assert "private" not in str(line)


def test_refusals_are_logged_with_their_route_and_never_with_their_path(open_service):
    open_service.get("/secret/path", headers={"X-Request-ID": "lost"})
    line = open_service.wait_for_line(request_id="lost")
    assert (line["route"], line["status"]) == ("unmatched", 404)
    assert "secret" not in str(line)


def test_questions_are_logged_when_the_setting_says_so(start_service):
    service = start_service(FAQMATCH_LOG_QUESTIONS="true")
    service.query("我忘了密码", headers={"X-Request-ID": "told"})
    assert service.wait_for_line(request_id="told")["question"] == "我忘了密码"
    service.post("/v1/kbs/demo/query/batch", json={"questions": ["a", "b"]}, headers={"X-Request-ID": "told-2"})
    assert service.wait_for_line(request_id="told-2")["question"] == ["a", "b"]
