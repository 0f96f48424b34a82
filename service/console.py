"""The console at `/`: a form for one question, and all there is to know about the reply.

It asks through the handlers of the API, and so passes the same checks, the same queue and the same counters.
The key comes in the body of the form, for a browser sends no header of its own: it is in no URL and no cookie.
"""

from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, FastAPI, Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from service import errors
from service.auth import ACCESS, authorise
from service.console_page import STATIC, Failure, Page, curl_line, render
from service.console_texts import HTML_LANGUAGES, choose_language
from service.context import context_of
from service.problems import INTERNAL, PROBLEM_TYPES, VALIDATION
from service.query_routes import query
from service.replies import QueryReply
from service.request_notes import notes_of
from service.schemas import QueryRequest
from service.status_routes import list_kbs

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 10

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show(request: Request) -> Response:
    """Show the form; without keys, also what is served."""
    page = _empty_page(request)
    if not page.needs_key:
        await _let_in(page, request, key="")
    return _respond(page)


@router.post("/")
async def ask(request: Request) -> Response:
    """Show the form as it was sent, with the reply or why there is none."""
    page = _empty_page(request)
    try:
        await _fill(page, request)
    except errors.Refusal as refusal:
        page.failure = _refusal(refusal, page)
    except ValidationError as error:
        page.failure = _invalid(error, page)
    except Exception:  # noqa: BLE001  (as UnexpectedErrors does, but told on the page)
        request_id = notes_of(request.scope).request_id
        structlog.get_logger().exception("unexpected error", request_id=request_id)
        page.failure = Failure(kind=INTERNAL, text_key=_text_key(INTERNAL.slug), values={"request_id": request_id})
    return _respond(page)


def mount_assets(app: FastAPI) -> None:
    """Serve the style, the script and the icon of the page."""
    app.mount("/static", StaticFiles(directory=STATIC))


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """Give the fields of a form, the first of each name. Raises UnsupportedMediaType or MalformedBody."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != FORM:
        raise errors.UnsupportedMediaType(f"the content type is {media_type or 'missing'}; send {FORM}")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # of an encoding, or of too many fields
        raise errors.MalformedBody(f"the body is no form in UTF-8 with at most {_MOST_FIELDS} fields") from None
    return {name: values[0] for name, values in fields.items()}


def _empty_page(request: Request) -> Page:
    asked, accepted = request.query_params.get("lang"), request.headers.get("accept-language", "")
    return Page(language=choose_language(asked, accepted), needs_key=bool(context_of(request).keys))


async def _fill(page: Page, request: Request) -> None:
    """Do what the form asks for; a form without a question asks for the list of knowledge bases alone."""
    form = parse_form(request.headers.get("content-type", ""), await _body(request))
    page.kb, page.question = form.get("kb", ""), form.get("question")
    await _let_in(page, request, key=form.get("key", ""))
    if page.question is None:
        return
    _authorise(request, form.get("key", ""), page.kb)
    body = QueryRequest(question=page.question)
    if page.kb in context_of(request).knowledge_bases.names():  # into the log goes no name that a client made up
        notes_of(request.scope).facts["kb"] = page.kb
    response = await query(page.kb, body, request)
    page.reply = QueryReply.model_validate_json(bytes(response.body))
    page.curl = curl_line(str(request.base_url), page.kb, page.question, with_key=page.needs_key)


async def _body(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect:
        raise errors.ClientGone("the client hung up before the end of its body") from None


async def _let_in(page: Page, request: Request, *, key: str) -> None:
    """List the knowledge bases that the key may query. Raises Unauthenticated or Forbidden."""
    _authorise(request, key, None)
    page.knowledge_bases = (await list_kbs(request)).knowledge_bases


def _authorise(request: Request, key: str, kb: str | None) -> None:
    keys = context_of(request).keys
    request.state.api_key = authorise(keys, ACCESS["console"], f"Bearer {key}", kb)


def _refusal(refusal: errors.Refusal, page: Page) -> Failure:
    kind = PROBLEM_TYPES[type(refusal)]
    return Failure(kind=kind, text_key=_text_key(kind.slug), values={"kb": page.kb})


def _invalid(error: ValidationError, page: Page) -> Failure:
    [found] = error.errors(include_url=False)
    context: dict[str, Any] = found.get("ctx", {})
    match found["type"]:
        case "blank" | "too_short":
            key = "blank"
        case "too_long":
            key = "too-long"
        case _:
            key = VALIDATION.slug
    values = {"length": len(page.question or ""), "limit": context.get("max_length")}
    return Failure(kind=VALIDATION, text_key=_text_key(key), values=values)


def _text_key(slug: str) -> str:
    return f"error_{slug.replace('-', '_')}"


def _respond(page: Page) -> Response:
    headers = {
        "Content-Security-Policy": POLICY,
        "Content-Language": HTML_LANGUAGES[page.language],
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
    }
    if page.failure is None:
        return HTMLResponse(render(page), headers=headers)
    return HTMLResponse(render(page), page.failure.kind.status, {**page.failure.kind.headers, **headers})
