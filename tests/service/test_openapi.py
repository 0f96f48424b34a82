import json
from pathlib import Path

import pytest

from service.auth import ACCESS
from service.openapi import openapi_json

CHECKED_IN = Path(__file__).parents[2] / "docs/openapi.json"
DOCUMENT = json.loads(openapi_json())
OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}


def test_the_document_that_is_checked_in_is_the_one_that_is_generated():
    assert CHECKED_IN.read_text() == openapi_json(), "run: python -m service.openapi > docs/openapi.json"


def test_the_operations_keep_their_names():
    assert set(OPERATIONS) == {"query", "query_batch", "list_kbs", "info", "healthz", "readyz", "metrics"}
    assert set(OPERATIONS) <= set(ACCESS)


@pytest.mark.parametrize("model", sorted(DOCUMENT["components"]["schemas"]))
def test_every_field_is_described_and_has_an_example(model):
    for name, field in DOCUMENT["components"]["schemas"][model]["properties"].items():
        assert field.get("description") or "$ref" in field, name  # a reference carries its own
        assert field.get("examples"), name


def test_nothing_of_the_framework_s_own_error_format_is_left():
    assert "ValidationError" not in openapi_json()


def test_guarded_operations_ask_for_a_key_and_tell_of_their_refusals():
    for name, operation in OPERATIONS.items():
        guarded = ACCESS[name] != "open"
        assert ("security" in operation) == guarded
        assert ({"401", "403"} <= set(operation["responses"])) == guarded
        for status, response in operation["responses"].items():
            if not status.startswith("2"):
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_a_query_can_be_refused_in_all_the_ways_there_are():
    statuses = {"200", "400", "401", "403", "404", "413", "415", "422", "429", "500", "503", "504"}
    assert set(OPERATIONS["query"]["responses"]) == set(OPERATIONS["query_batch"]["responses"]) == statuses
    assert "Retry-After" in OPERATIONS["query"]["responses"]["429"]["headers"]
