from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.settings import load_settings

ORIGIN = "https://www.example.org"
QUERY = "/v1/kbs/demo/query"


@pytest.fixture(scope="module")
def cors_service(start_service):
    return start_service(FAQMATCH_CORS_ORIGINS=f"{ORIGIN},https://two.example")


def test_a_page_of_a_named_origin_may_read_replies_and_refusals(cors_service):
    for question, status in (("q", 200), ("", 422), ("fail", 500)):
        response = cors_service.query(question, headers={"Origin": ORIGIN})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert "X-Request-ID" in response.headers["access-control-expose-headers"]


def test_a_page_of_another_origin_may_not(cors_service):
    response = cors_service.query("q", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


def test_a_browser_is_told_what_it_may_send(cors_service):
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    response = httpx.options(f"{cors_service.url}{QUERY}", headers=asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]


def test_without_the_setting_no_origin_is_allowed(open_service):
    response = open_service.query("q", headers={"Origin": ORIGIN})
    assert "access-control-allow-origin" not in response.headers


def test_the_background_is_entered_on_start_and_left_at_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = []

    @contextmanager
    def background():
        events.append("entered")
        yield
        events.append("left")

    app = create_app(SimpleNamespace(names=tuple), load_settings(), background=background())
    assert events == []
    with TestClient(app) as client:
        assert events == ["entered"]
        assert client.get("/healthz").status_code == 200
    assert events == ["entered", "left"]
