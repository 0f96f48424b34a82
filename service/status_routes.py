"""The routes that tell of the service itself: what it serves, how it is set up, whether it is well."""

from collections.abc import Sequence
from importlib import metadata

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from service.context import context_of, key_of
from service.errors import NotReady, UnknownKnowledgeBase
from service.guarded_route import GuardedRoute
from service.matching import KnowledgeBaseInfo
from service.status_replies import HealthReply, InfoReply, KnowledgeBaseReply, KnowledgeBasesReply, ReadyReply

router = APIRouter(route_class=GuardedRoute, tags=["status"])


@router.get("/v1/kbs", operation_id="list_kbs", summary="List the knowledge bases")
async def list_kbs(request: Request) -> KnowledgeBasesReply:
    """List the knowledge bases that the key may query, with what is served under each name."""
    return KnowledgeBasesReply(knowledge_bases=[KnowledgeBaseReply.of(info) for info in _visible(request)])


@router.get("/v1/info", operation_id="info", summary="What answers here")
async def info(request: Request) -> InfoReply:
    """Tell the version of the service, its models, and the settings that matter to a client."""
    context, visible = context_of(request), _visible(request)
    settings = context.settings
    return InfoReply(
        version=_package_version(),
        models=sorted({one.model for one in visible if one.model is not None}),
        reranker=context.knowledge_bases.reranker(),
        knowledge_bases=len(visible),
        threads=settings.threads,
        queue=settings.queue,
        deadline_ms=settings.deadline_ms,
        body_limit=settings.body_limit,
        authentication=bool(settings.api_keys),
    )


@router.get("/healthz", operation_id="healthz", summary="Is the process alive")
async def healthz() -> HealthReply:
    """Answer, and touch nothing else."""
    return HealthReply()


@router.get("/readyz", operation_id="readyz", summary="Can queries be answered")
async def readyz(request: Request) -> ReadyReply:
    """Answer 200 when queries can be answered, else 503 with the reasons."""
    readiness = context_of(request).knowledge_bases.readiness()
    if not readiness.ready:
        raise NotReady("; ".join(readiness.problems) or "no knowledge base is served yet")
    return ReadyReply(problems=list(readiness.problems))


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Give all metrics in the Prometheus text format."""
    return Response(context_of(request).metrics.render(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _visible(request: Request) -> Sequence[KnowledgeBaseInfo]:
    """Describe the knowledge bases that the key covers."""
    knowledge_bases, key = context_of(request).knowledge_bases, key_of(request)
    found = []
    for kb in filter(key.covers, knowledge_bases.names()):
        try:
            found.append(knowledge_bases.describe(kb))
        except UnknownKnowledgeBase:  # gone between the two calls
            continue
    return found


def _package_version() -> str:
    try:
        return metadata.version("faqmatch")
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"
