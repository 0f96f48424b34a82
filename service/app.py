"""The web application around the matcher: routes, middleware, errors; nothing is decided here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from service import console, docs, query_routes, status_routes
from service.api_description import SUMMARY
from service.body_limit import BodyLimit
from service.context import Context
from service.gate import Gate
from service.matching import KnowledgeBases
from service.metrics import Metrics
from service.problems import HANDLERS, UnexpectedErrors
from service.request_log import REQUEST_ID_HEADER, RequestLog
from service.security_headers import SecurityHeaders
from service.settings import Settings

API_VERSION = "1.0"
"""Of the HTTP interface under /v1; the version of the package is another matter."""


def create_app(
    knowledge_bases: KnowledgeBases,
    settings: Settings,
    *,
    background: AbstractContextManager[object] | None = None,
) -> FastAPI:
    """Build the application.

    `background` is entered when the service starts and left when the last request is done, such as the thread
    that looks for new versions.
    """
    gate = Gate(threads=settings.threads, queue=settings.queue, deadline_ms=settings.deadline_ms)
    metrics = Metrics(knowledge_bases, gate)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with background or nullcontext():
            yield
            await asyncio.to_thread(gate.close)

    app = FastAPI(
        title="faqmatch",
        version=API_VERSION,
        summary=SUMMARY,
        openapi_url=None,  # /docs and /openapi.json are routes of our own, in service/docs.py
        redirect_slashes=False,
        middleware=_middleware(settings, metrics),
        exception_handlers=dict(HANDLERS),
        lifespan=lifespan,
    )
    app.state.context = Context(knowledge_bases=knowledge_bases, settings=settings, gate=gate, metrics=metrics)
    for router in (query_routes.router, status_routes.router, docs.router, console.router):
        app.include_router(router)
    docs.mount_assets(app)
    console.mount_assets(app)
    return app


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    """Give the middleware, outermost first."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=("Authorization", "Content-Type", REQUEST_ID_HEADER),
        expose_headers=("Retry-After", REQUEST_ID_HEADER),
    )
    return [
        Middleware(RequestLog, metrics=metrics),
        Middleware(SecurityHeaders),
        *([cors] if settings.cors_origins else []),
        Middleware(UnexpectedErrors),
        Middleware(BodyLimit, limit=settings.body_limit),
    ]
