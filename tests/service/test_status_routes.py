import pytest


def test_the_knowledge_bases_are_listed_with_what_is_served(open_service):
    listed = open_service.get("/v1/kbs").json()["knowledge_bases"]
    assert [one["name"] for one in listed] == ["demo", "loading", "other"]
    assert listed[0] == {
        "name": "demo",
        "version": "20261124T101502-3f2a",
        "model": "fake@0123456789ab",
        "languages": ["zh", "en"],
        "entries": 1,
        "phrasings": 2,
        "thresholds": {"answer": 0.8, "clarify": 0.4},
        "published_at": "2026-11-24T10:15:02Z",
        "problem": None,
    }
    assert listed[1]["version"] is None
    assert listed[1]["problem"] == "it is being loaded"


def test_a_bound_key_sees_only_its_own(keyed_service, bearer):
    def names(key: str) -> list[str]:
        return [one["name"] for one in keyed_service.get("/v1/kbs", headers=bearer[key]).json()["knowledge_bases"]]

    assert names("demo") == ["demo", "loading"]
    assert names("query") == names("admin") == ["demo", "loading", "other"]
    assert keyed_service.get("/v1/info", headers=bearer["demo"]).json()["knowledge_bases"] == 2


def test_info_tells_the_settings_that_matter_and_no_path(open_service, keyed_service, bearer):
    reply = open_service.get("/v1/info").json()
    assert reply.pop("version")
    assert reply == {
        "models": ["fake@0123456789ab"],
        "reranker": "judge@0123456789ab",
        "knowledge_bases": 3,
        "threads": 2,
        "queue": 64,
        "deadline_ms": 2000,
        "body_limit": 1048576,
        "authentication": False,
    }
    assert keyed_service.get("/v1/info", headers=bearer["query"]).json()["authentication"] is True


def test_a_service_that_is_well_says_so(open_service):
    assert open_service.get("/healthz").json() == {"status": "alive"}
    assert open_service.get("/readyz").json() == {"status": "ready", "problems": []}


@pytest.mark.parametrize("problems", ["demo is being loaded,other is damaged"])
def test_a_service_that_is_not_ready_is_alive_and_gives_the_reasons(start_service, problems):
    service = start_service(FAKE_PROBLEMS=problems)
    assert service.get("/healthz").status_code == 200
    refused = service.get("/readyz")
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] == "demo is being loaded; other is damaged"
