import http.client
import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import errors
from service.problems import PROBLEM_TYPES, Problem

QUERY = "/v1/kbs/demo/query"
JSON = {"Content-Type": "application/json"}


def leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from leaves(child)


@pytest.mark.parametrize("kind", sorted(leaves(errors.Refusal), key=lambda kind: kind.__name__))
def test_every_refusal_has_its_status(kind):
    assert 400 <= PROBLEM_TYPES[kind].status < 600
    assert PROBLEM_TYPES[kind].title


def test_no_two_refusals_share_a_slug():
    slugs = [kind.slug for kind in PROBLEM_TYPES.values()]
    assert len(set(slugs)) == len(slugs)


def test_what_is_no_refusal_cannot_reach_a_client_by_the_table():
    refusals = set(leaves(errors.Refusal))
    assert set(PROBLEM_TYPES) == refusals
    assert set(leaves(errors.ServiceError)) - refusals == {
        errors.StartError,
        errors.SettingsError,
        errors.BindError,
        errors.Refusal,
    }


def problem_in(response) -> Problem:
    assert response.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(response.text, extra="forbid")
    assert problem.status == response.status_code
    assert problem.request_id == response.headers["x-request-id"]
    assert problem.type.startswith("urn:faqmatch:problem:")
    return problem


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b'{"question": "q"', b"nonsense", b'{"question": "\xff"}', b"[" * 100_000, b"1" * 5000],
)
def test_a_body_that_is_no_json_is_400(open_service, body):
    response = open_service.post(QUERY, content=body, headers=JSON)
    if not body:
        assert response.status_code == 422
        assert problem_in(response).detail == "#: is required"
        return
    assert response.status_code == 400
    assert problem_in(response).type == "urn:faqmatch:problem:malformed-body"


def test_the_place_where_the_json_breaks_is_named(open_service):
    response = open_service.post(QUERY, content=b'{"question": }', headers=JSON)
    assert "at character 13" in problem_in(response).detail


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/kbs/", "/v1/kbs/demo", "/docs/assets/nothing.js"])
def test_an_unknown_route_is_404(open_service, path):
    response = open_service.get(path)
    assert response.status_code == 404
    assert "/openapi.json" in problem_in(response).detail


def test_a_wrong_method_is_405_and_names_the_right_one(open_service):
    response = open_service.get(QUERY)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert problem_in(response).detail == "GET is not allowed here; allowed: POST"


def test_all_that_is_wrong_is_told_at_once(open_service):
    body = {
        "question": " \u200b\u3000",
        "top": 101,
        "rerank": "maybe",
        "budget_ms": 0,
        "filters": {"tags": ["a", 5], "colour": "red"},
        "thresholds": {"answer": 1.5, "clarify": -1},
        "quesion": "typo",
        "user_id": "x" * 201,
    }
    response = open_service.post(QUERY, json=body)
    assert response.status_code == 422
    problem = problem_in(response)
    assert {error.pointer for error in problem.errors} == {
        "#/question",
        "#/top",
        "#/rerank",
        "#/budget_ms",
        "#/filters/tags/1",
        "#/filters/colour",
        "#/thresholds/answer",
        "#/thresholds/clarify",
        "#/quesion",
        "#/user_id",
    }
    for error in problem.errors:
        assert f"{error.pointer}: {error.detail}" in problem.detail


@pytest.mark.parametrize("wrong", ["\\ud800", "a\\u0000b"])
def test_half_a_character_and_nul_are_refused_wherever_they_stand(open_service, wrong):
    text = f'"{wrong}"'
    body = f'{{"question": {text}, "user_id": {text}, "filters": {{"tags": [{text}]}}}}'
    response = open_service.post(QUERY, content=body, headers=JSON)
    assert response.status_code == 422
    assert len(problem_in(response).errors) == 3
    response = open_service.post(QUERY, content=f'{{"question": "q", {text}: 1}}', headers=JSON)
    assert response.status_code == 422
    assert len(problem_in(response).errors) == 1


def test_a_field_name_is_escaped_in_its_pointer_and_cut_when_it_is_long(open_service):
    response = open_service.post(QUERY, json={"question": "q", "a/b~c": 1, "x" * 5000: 2})
    short, long = (error.pointer for error in problem_in(response).errors)
    assert short == "#/a~1b~0c"
    assert len(long) == 201


def test_a_flood_of_errors_is_counted_rather_than_listed(open_service):
    response = open_service.post(QUERY, json={"question": "q"} | {f"x{number}": 1 for number in range(1000)})
    problem = problem_in(response)
    assert len(problem.errors) == 50
    assert problem.detail.endswith("; and 950 more")


@pytest.mark.parametrize("question", [5, None, True, ["q"], {"a": 1}])
def test_what_is_no_text_is_no_question(open_service, question):
    assert problem_in(open_service.post(QUERY, json={"question": question})).errors[0].pointer == "#/question"


def test_the_reply_to_an_error_in_the_service_tells_nothing_and_the_log_tells_all(open_service):
    response = open_service.query("fail", headers={"X-Request-ID": "failing", "Origin": "https://a.example"})
    assert response.status_code == 500
    problem = problem_in(response)
    assert problem.request_id == "failing"
    for secret in ("secret detail", "numpy", "/home", "Traceback", "RuntimeError", ".py"):
        assert secret not in response.text
    line = open_service.wait_for_line(event="unexpected error", request_id="failing")
    assert "RuntimeError: secret detail of /home/somebody in numpy" in line["exception"]
    assert response.headers["content-security-policy"]
    assert open_service.query("q").status_code == 200


def test_a_problem_is_ascii_on_the_wire(open_service):
    connection = http.client.HTTPConnection(*open_service.address)
    connection.request("POST", "/v1/kbs/%E6%BC%94/query", json.dumps({"question": "q"}), JSON)
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    assert response.status == 404
    assert raw.isascii()
    assert "'演'" in json.loads(raw)["detail"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("question", "top", "rerank", "budget_ms", "filters", "thresholds", "explain", "user_id", "session_id")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_no_json_whatever_brings_the_service_down(open_service, body):
    response = httpx.post(f"{open_service.url}{QUERY}", content=json.dumps(body), headers=JSON)
    assert response.status_code in {200, 422}
    if response.status_code == 422:
        problem_in(response)
