"""The routes that answer questions."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from service.context import context_of
from service.disconnect import unless_disconnected
from service.guarded_route import GuardedRoute
from service.matching import Matcher, MatchOptions, MatchResult
from service.replies import BatchReply, QueryReply, reply_of
from service.request_notes import notes_of
from service.schemas import BatchRequest, QueryRequest

router = APIRouter(route_class=GuardedRoute, tags=["query"])

KnowledgeBaseName = Annotated[str, Path(description="Name of the knowledge base.", examples=["demo"])]


@router.post("/v1/kbs/{kb}/query", operation_id="query", response_model=QueryReply, summary="Match one question")
async def query(kb: KnowledgeBaseName, body: QueryRequest, request: Request) -> Response:
    """Give the stored answer of the entry that means the same, or the few it might mean, or an honest no match."""
    [result] = await _match(request, kb, [body.question], body.to_match_options())
    notes = notes_of(request.scope)
    notes.facts |= {"decision": result.decision, "confidence": round(result.confidence, 6), "version": result.version}
    return _json(reply_of(result, notes.request_id))


@router.post(
    "/v1/kbs/{kb}/query/batch", operation_id="query_batch", response_model=BatchReply, summary="Match several questions"
)
async def query_batch(kb: KnowledgeBaseName, body: BatchRequest, request: Request) -> Response:
    """Match the questions one after the other, on one version; together they take one place in the queue."""
    results = await _match(request, kb, body.questions, body.to_match_options())
    notes = notes_of(request.scope)
    notes.facts |= {"questions": len(results), "version": results[0].version}
    return _json(BatchReply(results=[reply_of(result, notes.request_id) for result in results]))


async def _match(request: Request, kb: str, questions: Sequence[str], options: MatchOptions) -> list[MatchResult]:
    context = context_of(request)
    if context.settings.log_questions:
        notes_of(request.scope).facts["question"] = questions[0] if len(questions) == 1 else questions
    matcher = context.knowledge_bases.matcher(kb)
    work = context.gate.run(_match_all, matcher, questions, options)
    results = await unless_disconnected(request.receive, work)
    for result in results:
        context.metrics.count_match(kb, result)
    return results


def _match_all(matcher: Matcher, questions: Sequence[str], options: MatchOptions) -> list[MatchResult]:
    return [matcher.match(question, options) for question in questions]


def _json(reply: BaseModel) -> Response:
    """Write the reply once, past the framework's second validation of what has just been built."""
    return Response(reply.model_dump_json(), media_type="application/json")
