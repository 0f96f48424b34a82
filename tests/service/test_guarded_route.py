import httpx
import pytest
from fastapi import APIRouter

from service.guarded_route import GuardedRoute

QUERY = "/v1/kbs/demo/query"


def test_a_route_that_the_table_of_access_does_not_know_cannot_be_built():
    router = APIRouter(route_class=GuardedRoute)

    async def forgotten() -> None: ...

    with pytest.raises(KeyError, match="forgotten"):
        router.add_api_route("/forgotten", forgotten)


@pytest.mark.parametrize("path", ["/v1/kbs", "/v1/info", "/metrics"])
def test_a_guarded_page_wants_a_key(keyed_service, bearer, path):
    refused = keyed_service.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert keyed_service.get(path, headers=bearer["demo"]).status_code == 200
    assert keyed_service.get(path, headers=bearer["query"]).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css"])
def test_an_open_page_wants_none(keyed_service, path):
    assert keyed_service.get(path).status_code == 200


@pytest.mark.parametrize("path", [QUERY, f"{QUERY}/batch"])
def test_a_query_wants_a_key(keyed_service, path):
    refused = keyed_service.post(path, json={"question": "q"})
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:faqmatch:problem:unauthenticated"
    assert "Authorization: Bearer" in refused.json()["detail"]


def test_a_wrong_key_is_401_and_is_not_repeated(keyed_service):
    refused = keyed_service.query("q", headers={"Authorization": "Bearer wrong-secret-0123456789"})
    assert refused.status_code == 401
    assert "wrong-secret" not in refused.text
    assert "wrong-secret" not in "".join(keyed_service.lines)


def test_a_bound_key_is_403_at_another_knowledge_base_whether_it_is_there_or_not(keyed_service, bearer):
    assert keyed_service.query("q", headers=bearer["demo"]).status_code == 200
    for kb in ("other", "nowhere"):
        refused = keyed_service.query("q", kb=kb, headers=bearer["demo"])
        assert refused.status_code == 403
        assert f"'{kb}'" in refused.json()["detail"]
    assert keyed_service.query("q", kb="other", headers=bearer["admin"]).status_code == 200


def test_the_key_is_looked_at_before_the_body(keyed_service):
    refused = keyed_service.post(QUERY, content=b"{", headers={"Content-Type": "text/plain"})
    assert refused.status_code == 401


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_content_type_is_415_and_names_the_right_one(open_service, content_type):
    refused = open_service.post(QUERY, content=b'{"question": "q"}', headers={"Content-Type": content_type})
    assert refused.status_code == 415
    assert "application/json" in refused.json()["detail"]


def test_a_missing_content_type_is_415(open_service):
    request = httpx.Request("POST", f"{open_service.url}{QUERY}", content=b"{}")
    with httpx.Client() as client:
        assert client.send(request).status_code == 415


def test_a_content_type_with_parameters_will_do(open_service):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert open_service.post(QUERY, content=b'{"question": "q"}', headers=headers).status_code == 200


def test_a_compressed_body_is_415(open_service):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    refused = open_service.post(QUERY, content=b"\x1f\x8b", headers=headers)
    assert refused.status_code == 415
    assert "gzip" in refused.json()["detail"]
