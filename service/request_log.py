"""Every request gets an id, a place in the metrics and one line in the log."""

import re
import time
import uuid
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import Metrics
from service.request_notes import open_notes

REQUEST_ID_HEADER: Final = "X-Request-ID"
UNMATCHED: Final = "unmatched"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """Middleware, outermost: what it does holds for every reply, refusals included."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; note its status as it goes out, and write it down when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        notes = open_notes(scope, _request_id(scope))
        started = time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = notes.request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route, method = _route(scope), _method(scope)
            self._metrics.count_request(route=route, method=method, status=status, seconds=seconds)
            self._log.info(
                "request",
                request_id=notes.request_id,
                method=method,
                route=route,
                status=status,
                duration_ms=round(seconds * 1000, 3),
                **notes.facts,
            )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    """Give the template of the route, never the path: a client must not be able to invent labels."""
    if "route" in scope:
        return str(getattr(scope["route"], "path", UNMATCHED))
    if "app_root_path" in scope:  # under a mount, whose own path has become the root
        return f"{scope['root_path']}/*"
    return UNMATCHED


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"
