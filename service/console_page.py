"""The console as HTML: what the page shows, from plain values, with nothing of the request in sight."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.console_texts import HTML_LANGUAGES, LANGUAGES, Language, text
from service.problems import ProblemType
from service.replies import QueryReply
from service.status_replies import KnowledgeBaseReply

STATIC: Final = Path(__file__).with_name("static")
KEY_VARIABLE: Final = "FAQMATCH_KEY"
NOT_COMPUTED: Final = "–"

_STAGES: Final = ("normalise", "encode", "retrieve", "interaction", "rerank")
_TOTAL: Final = "total"
_FOUR_DIGITS: Final = Decimal("0.0001")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no reply: the kind gives the status, the text says it."""

    kind: ProblemType
    text_key: str
    values: Mapping[str, object]


@dataclass(kw_only=True)
class Page:
    """What is known when the page is drawn; a request fills it as far as it gets."""

    language: Language
    needs_key: bool
    knowledge_bases: Sequence[KnowledgeBaseReply] | None = None
    """Those that may be queried; None = no valid key was given."""
    kb: str = ""
    question: str | None = None
    """None = nothing was asked."""
    reply: QueryReply | None = None
    curl: str | None = None
    failure: Failure | None = None

    @property
    def kb_to_select(self) -> str:
        """The knowledge base that was asked, else the first that can answer."""
        able = [one.name for one in self.knowledge_bases or () if one.version is not None]
        return self.kb or next(iter(able), "")


def render(page: Page) -> str:
    """Draw the page."""
    return _TEMPLATES.get_template("console.html").render(
        page=page,
        t=partial(text, language=page.language),
        languages=[(one, HTML_LANGUAGES[one], text("language_name", one)) for one in LANGUAGES],
        html_language=HTML_LANGUAGES[page.language],
        static=_ADDRESSES,
        meaning=None if page.reply is None else meaning(page.reply),
        stages=None if page.reply is None else list(stages(page.reply.timings_ms)),
    )


def curl_line(base_url: str, kb: str, question: str, *, with_key: bool) -> str:
    """Give the command that sends the same request; the key is left to a variable of the shell."""
    url = f"{base_url.rstrip('/')}/v1/kbs/{quote(kb, safe='')}/query"
    parts = [
        f"curl -sS {shlex.quote(url)}",
        "-H 'Content-Type: application/json'",
        *([f'-H "Authorization: Bearer ${KEY_VARIABLE}"'] if with_key else []),
        f"--data-raw {shlex.quote(_readable_json({'question': question}))}",
    ]
    return " \\\n  ".join(parts)


def stages(timings_ms: Mapping[str, float]) -> Iterator[tuple[str, float | None]]:
    """Give each stage with its milliseconds, the total last; None = it did not run."""
    others = [stage for stage in timings_ms if stage not in (*_STAGES, _TOTAL)]
    for stage in (*_STAGES, *others, _TOTAL):
        yield stage, timings_ms.get(stage)


def meaning(reply: QueryReply) -> str:
    """Give the key of the sentence that says why it was decided so; not every decision is one of thresholds."""
    if not reply.matches:
        return "means_nothing"
    if reply.matches[0].match_type != "exact":
        return f"means_{reply.decision}"
    return {"answer": "means_exact", "clarify": "means_conflict", "reject": "means_reject"}[reply.decision]


def number(value: float | None) -> str:
    """Write with four digits, cut and not rounded: what is just below a threshold must not look as if it reached it."""
    if value is None:
        return NOT_COMPUTED
    return str(Decimal(str(value)).quantize(_FOUR_DIGITS, ROUND_DOWN))


def threshold(value: float) -> str:
    """Write all its digits and no more."""
    return f"{value:.6g}"


def percent(value: float) -> str:
    """Give a length along the confidence bar."""
    return f"{value:.2%}"


def anchor(value: float) -> str:
    """Say which end of a mark's label sits at the mark, so that it stays on the bar."""
    if value < 0.2:
        return "start"
    return "end" if value > 0.8 else "middle"


def _readable_json(value: object) -> str:
    """Write letters of any script as they are, and what is not visible as an escape."""
    written = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], written)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "threshold": threshold, "percent": percent, "anchor": anchor}
    return environment


def _address(file: Path) -> str:
    """Give the relative address of a file, which changes when the file does: no browser keeps an old one."""
    return f"static/{file.name}?{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"


_TEMPLATES: Final = _environment()
_ADDRESSES: Final = {file.name: _address(file) for file in STATIC.iterdir() if file.is_file()}
