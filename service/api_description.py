"""The OpenAPI document: what the framework derives from the routes, and the keys and refusals it cannot see."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from service import errors
from service.auth import ACCESS
from service.problems import INTERNAL, MEDIA_TYPE, PROBLEM_TYPES, VALIDATION, Problem, ProblemType

SUMMARY: Final = "A question in, the stored answer of the FAQ entry that means the same out."

_KEY_REFUSALS: Final = (errors.Unauthenticated, errors.Forbidden)
_BODY_REFUSALS: Final = (errors.MalformedBody, errors.BodyTooLarge, errors.UnsupportedMediaType)
_QUEUE_REFUSALS: Final = (errors.QueueFull, errors.NotReady, errors.DeadlineExceeded)

_REFERENCE: Final = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """Give the OpenAPI document of `app`. The framework keeps it, and doing this twice changes nothing."""
    document = app.openapi()
    components = document["components"]
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}}
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template=_REFERENCE)
    for framework_s_own in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(framework_s_own, None)
    components["schemas"] |= schemas["$defs"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _add_refusals(operation, path)
    return document


def _add_refusals(operation: dict[str, Any], path: str) -> None:
    if ACCESS[operation["operationId"]] != "open":
        operation["security"] = [{"key": []}]
    for kind in sorted(_refusals(operation, path), key=lambda kind: kind.status):
        operation["responses"][str(kind.status)] = _response(kind)


def _refusals(operation: dict[str, Any], path: str) -> Iterator[ProblemType]:
    yield INTERNAL
    if "security" in operation:
        yield from map(PROBLEM_TYPES.__getitem__, _KEY_REFUSALS)
    if "{kb}" in path:
        yield PROBLEM_TYPES[errors.UnknownKnowledgeBase]
    if "requestBody" in operation:
        yield from map(PROBLEM_TYPES.__getitem__, _BODY_REFUSALS)
        yield VALIDATION
    if "query" in operation["tags"]:
        yield from map(PROBLEM_TYPES.__getitem__, _QUEUE_REFUSALS)
    if operation["operationId"] == "readyz":
        yield PROBLEM_TYPES[errors.NotReady]


def _response(kind: ProblemType) -> dict[str, Any]:
    reference = _REFERENCE.format(model=Problem.__name__)
    response: dict[str, Any] = {
        "description": kind.title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": reference}}},
    }
    if kind.headers:
        response["headers"] = {
            name: {"schema": {"type": "string"}, "description": f"`{value}`"} for name, value in kind.headers.items()
        }
    return response
