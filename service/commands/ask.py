"""`faqmatch ask`: one query in process, each stage explained."""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

from indexer.errors import VersionError
from indexer.home import Home
from models.message import Message
from service.commands.terminal import say, show_table, show_verbatim, warn
from service.logs import configure_logging
from service.matching import Decision, Match, MatchOptions, MatchResult
from service.registry import Registry

_NOTHING: Final = "–"
_DECISIONS: Final[Mapping[Decision, Message]] = {
    "answer": Message("answer"),
    "clarify": Message("clarify"),
    "reject": Message("reject"),
}
_MATCH_TYPES: Final[Mapping[str, Message]] = {
    message: message for message in (Message("exact"), Message("dense"), Message("lexical"))
}


def ask(home: Home, kb_name: str, question: str, options: MatchOptions, *, as_json: bool) -> None:
    """Match `question` and print the decision, the stages and the candidates."""
    home.existing_knowledge_base(kb_name)
    configure_logging(sys.stderr, logging.CRITICAL)
    registry = Registry(home)
    registry.refresh(only=kb_name)
    info = registry.describe(kb_name)
    if info.version is None:
        raise VersionError(
            Message(
                "knowledge base {kb} has no version that can be served: {problem}", kb=kb_name, problem=info.problem
            )
        )
    if info.problem:
        warn(Message("warning: {problem}", problem=info.problem))
    result = registry.matcher(kb_name).match(question, options)
    if as_json:
        show_verbatim(json.dumps(_to_json(result), ensure_ascii=False, indent=2, default=str))
        return
    decision = _DECISIONS[result.decision]
    say(Message("{decision}  (confidence {confidence:.3f})", decision=decision, confidence=result.confidence))
    if result.answer is not None:
        show_verbatim(result.answer)
    show_table(
        [Message("stage"), Message("result"), Message("ms")],
        _stages(result, dict(result.explain or {})),
        title=Message("Stages"),
    )
    show_table(
        [
            Message("entry"),
            Message("matched phrasing"),
            Message("match"),
            Message("similarity"),
            Message("confidence"),
        ],
        [_candidate(match) for match in result.matches],
        title=Message("Candidates"),
    )


def _stages(result: MatchResult, explained: Mapping[str, Any]) -> list[list[str]]:
    taken = {stage: f"{ms:.2f}" for stage, ms in result.timings_ms.items()}
    normal = Message("text {text!r}, key {key!r}", text=explained.get("text"), key=explained.get("key"))
    sure = Message("{confidence:.4f} by {calibration}", confidence=result.confidence, calibration=result.calibration)
    decided = Message(
        "{decision}: {reason} (thresholds: answer {answer}, clarify {clarify})",
        decision=_DECISIONS[result.decision],
        reason=explained.get("reason"),
        answer=result.thresholds.answer,
        clarify=result.thresholds.clarify,
    )
    return [
        [Message("normalise"), normal, taken.get("normalise", _NOTHING)],
        [Message("exact key"), Message("found") if explained.get("exact") else Message("not found"), _NOTHING],
        [Message("encode"), result.model, taken.get("encode", _NOTHING)],
        [Message("retrieve"), _retrieved(result, explained), taken.get("retrieve", _NOTHING)],
        [Message("confidence"), sure, _NOTHING],
        [Message("decide"), decided, _NOTHING],
        *([Message("notice"), notice, _NOTHING] for notice in result.notices),
        [Message("total"), "", taken.get("total", _NOTHING)],
    ]


def _retrieved(result: MatchResult, explained: Mapping[str, Any]) -> Message:
    if explained.get("margin") is None:
        return Message("version {version}", version=result.version)
    return Message(
        "version {version}, runner-up {entry}, margin {margin:.4f}",
        version=result.version,
        entry=explained["runner_up"],
        margin=explained["margin"],
    )


def _candidate(match: Match) -> list[str]:
    return [
        match.entry.id,
        match.matched_phrasing,
        _MATCH_TYPES.get(match.match_type, match.match_type),
        _NOTHING if match.similarity is None else f"{match.similarity:.4f}",
        f"{match.confidence:.4f}",
    ]


def _to_json(result: MatchResult) -> dict[str, object]:
    matches = [{**vars(match), "entry": match.entry.to_json()} for match in result.matches]
    return {**vars(result), "thresholds": vars(result.thresholds), "matches": matches}
