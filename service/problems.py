"""Every refusal as problem details (RFC 9457): one table from exception to status, one shape on the wire."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import errors
from service.request_notes import notes_of

MEDIA_TYPE: Final = "application/problem+json"
_MOST_ERRORS: Final = 50
_LONGEST_POINTER: Final = 200


@dataclass(frozen=True, kw_only=True)
class ProblemType:
    """What all problems of one kind share."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


VALIDATION: Final = ProblemType(status=422, slug="validation", title="The request is not valid")

PROBLEM_TYPES: Final[Mapping[type[errors.Refusal], ProblemType]] = {
    errors.MalformedBody: ProblemType(status=400, slug="malformed-body", title="The body is no JSON"),
    errors.Unauthenticated: ProblemType(
        status=401, slug="unauthenticated", title="A valid key is needed", headers={"WWW-Authenticate": "Bearer"}
    ),
    errors.Forbidden: ProblemType(status=403, slug="forbidden", title="The key does not allow this"),
    errors.UnknownKnowledgeBase: ProblemType(
        status=404, slug="unknown-knowledge-base", title="There is no such knowledge base"
    ),
    errors.BodyTooLarge: ProblemType(status=413, slug="body-too-large", title="The body is too large"),
    errors.UnsupportedMediaType: ProblemType(
        status=415, slug="unsupported-media-type", title="The body is of the wrong content type"
    ),
    errors.NoReranker: VALIDATION,
    errors.QueueFull: ProblemType(
        status=429, slug="queue-full", title="Too many requests are waiting", headers={"Retry-After": "1"}
    ),
    errors.ClientGone: ProblemType(status=499, slug="client-gone", title="The client hung up"),
    errors.NotReady: ProblemType(status=503, slug="not-ready", title="The service is not ready"),
    errors.DeadlineExceeded: ProblemType(status=504, slug="deadline-exceeded", title="The request waited too long"),
}

INTERNAL: Final = ProblemType(status=500, slug="internal-error", title="The service failed on this request")

_MESSAGES: Final[Mapping[str, str]] = {
    "extra_forbidden": "unknown field; /openapi.json lists the known ones",
    "missing": "is required",
    "string_unicode": "holds a field name that is no text",
}

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


def problem_response(
    scope: Scope,
    kind: ProblemType,
    detail: str,
    *,
    field_errors: Sequence[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Give the reply that tells a client what was wrong and what is allowed."""
    body: dict[str, object] = {
        "type": f"urn:faqmatch:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": notes_of(scope).request_id,
    }
    if field_errors is not None:
        body["errors"] = field_errors
    # ASCII on the wire: a detail may quote what the client sent, lone surrogates included.
    return Response(
        json.dumps(body).encode("ascii"), kind.status, {**kind.headers, **(headers or {})}, media_type=MEDIA_TYPE
    )


async def refuse(request: Request, refusal: errors.Refusal) -> Response:
    """Answer a refusal of our own."""
    kind, detail = PROBLEM_TYPES[type(refusal)], str(refusal)
    if refusal.pointer is None:
        return problem_response(request.scope, kind, detail)
    wrong = [{"pointer": refusal.pointer, "detail": detail}]
    return problem_response(request.scope, kind, f"{refusal.pointer}: {detail}", field_errors=wrong)


async def refuse_http(request: Request, error: HTTPException) -> Response:
    """Answer what the web framework refuses: unknown routes, methods, unreadable bodies."""
    status = HTTPStatus(error.status_code)
    detail = str(error.detail)
    kind = ProblemType(status=status, slug=status.phrase.lower().replace(" ", "-"), title=status.phrase)
    if status == HTTPStatus.NOT_FOUND:
        detail = "nothing is served at this path; /openapi.json lists what is"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"{request.method} is not allowed here; allowed: {allowed}"
    elif status == HTTPStatus.BAD_REQUEST:
        kind, detail = PROBLEM_TYPES[errors.MalformedBody], "the body is no JSON in UTF-8"
    return problem_response(request.scope, kind, detail, headers=error.headers)


async def refuse_invalid(request: Request, error: RequestValidationError) -> Response:
    """Answer a body that is no JSON (400), or all fields that are wrong at once (422)."""
    found = error.errors()
    if len(found) == 1 and found[0]["type"] == "json_invalid":
        detail = f"the body is no JSON: {found[0]['ctx']['error']} at character {found[0]['loc'][-1]}"
        return problem_response(request.scope, PROBLEM_TYPES[errors.MalformedBody], detail)
    listed = [{"pointer": _pointer(one["loc"]), "detail": _message(one)} for one in found[:_MOST_ERRORS]]
    more = f"; and {len(found) - _MOST_ERRORS} more" if len(found) > _MOST_ERRORS else ""
    detail = "; ".join(f"{one['pointer']}: {one['detail']}" for one in listed) + more
    return problem_response(request.scope, VALIDATION, detail, field_errors=listed)


HANDLERS: Final[Mapping[int | type[Exception], Handler]] = {
    errors.Refusal: refuse,
    HTTPException: refuse_http,
    RequestValidationError: refuse_invalid,
}


class FieldError(BaseModel):
    """One field that is wrong."""

    pointer: str = Field(
        description="JSON pointer into the body, or the place and name of a parameter.", examples=["#/top"]
    )
    detail: str = Field(
        description="What is wrong and what is allowed.", examples=["Input should be less than or equal to 100"]
    )


class Problem(BaseModel):
    """Problem details (RFC 9457): why a request was refused."""

    type: str = Field(description="Kind of the problem, a URN.", examples=["urn:faqmatch:problem:validation"])
    title: str = Field(description="The kind in words.", examples=["The request is not valid"])
    status: int = Field(description="HTTP status.", examples=[422])
    detail: str = Field(
        description="What was wrong with this request and what is allowed.",
        examples=["#/top: Input should be less than or equal to 100"],
    )
    request_id: str = Field(description="As in X-Request-ID.", examples=["6f1c0d6b5e0c4c0f9a54d9c8d3f7a2b1"])
    errors: list[FieldError] | None = Field(
        default=None,
        description="All fields that are wrong; only with status 422.",
        examples=[[{"pointer": "#/top", "detail": "Input should be less than or equal to 100"}]],
    )


class UnexpectedErrors:
    """Middleware: whatever no handler knows is logged in full and told in one bare sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except asyncio.CancelledError:  # the grace of a shutdown is over; nothing else cancels a request
            if started or scope["type"] != "http":
                raise
            kind = PROBLEM_TYPES[errors.NotReady]
            await problem_response(scope, kind, "the service is shutting down")(scope, receive, send)
        except Exception:
            if started or scope["type"] != "http":
                raise
            request_id = notes_of(scope).request_id
            structlog.get_logger().exception("unexpected error", request_id=request_id)
            detail = "the error is in the log of the service, under this request_id"
            await problem_response(scope, INTERNAL, detail)(scope, receive, send)


def _pointer(location: Sequence[int | str]) -> str:
    """Give the JSON pointer (RFC 6901) into the body, or the name of the parameter elsewhere."""
    where, *parts = location
    path = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    pointer = f"#{path}" if where == "body" else f"{where}{path}"
    return pointer if len(pointer) <= _LONGEST_POINTER else f"{pointer[:_LONGEST_POINTER]}…"


def _message(error: Mapping[str, Any]) -> str:
    return _MESSAGES.get(error["type"], str(error["msg"]))
