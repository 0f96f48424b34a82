"""`faqmatch ask`: one query in process, each stage explained."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from indexer.errors import VersionError
from indexer.home import Home
from models.message import Message
from service.commands.terminal import say, show_table, show_verbatim, warn
from service.logs import configure_logging
from service.matching import Decision, Match, MatchOptions, MatchResult
from service.registry import Registry
from service.reranker_choice import load_reranking
from service.reranking import Reranking

_NOTHING: Final = "–"
_DECISIONS: Final[Mapping[Decision, Message]] = {
    "answer": Message("answer"),
    "clarify": Message("clarify"),
    "reject": Message("reject"),
}
_MATCH_TYPES: Final[Mapping[str, Message]] = {
    message: message for message in (Message("exact"), Message("dense"), Message("lexical"))
}

_FURTHER: Final = ("affinity", "relevance")
_EVIDENCE: Final[Mapping[str, Message]] = {
    message: message
    for message in (Message("similarity"), Message("affinity"), Message("relevance"), Message("confidence"))
}


def ask(home: Home, kb_name: str, question: str, options: MatchOptions, *, reranker: str | None, as_json: bool) -> None:
    """Match `question` and print the decision, the stages and the candidates.

    `reranker` is what the setting says; one is loaded only where `options` ask for it.
    """
    home.existing_knowledge_base(kb_name)
    configure_logging(sys.stderr, logging.CRITICAL)
    reranking = load_reranking(reranker) if options.rerank == "on" else Reranking()
    if reranking.problem:
        warn(Message("warning: reranker: {problem}", problem=reranking.problem))
    registry = Registry(home, reranking)
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
    _show_candidates(result.matches)


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
        *([[Message("interaction"), "", taken["interaction"]]] if "interaction" in taken else []),
        *([[Message("rerank"), _reranked(result), taken["rerank"]]] if "rerank" in taken else []),
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


def _reranked(result: MatchResult) -> Message:
    if not result.reranked:
        return Message("left out")
    return Message("{count} candidates read, the best of them first", count=result.reranked)


def _show_candidates(matches: Sequence[Match]) -> None:
    """Print the matches; of the further evidence only what there is."""
    further = [name for name in _FURTHER if any(getattr(match, name) is not None for match in matches)]
    shown = ["similarity", *further, "confidence"]
    names = [Message("entry"), Message("matched phrasing"), Message("match"), *(_EVIDENCE[name] for name in shown)]
    rows = [
        [
            match.entry.id,
            match.matched_phrasing,
            _MATCH_TYPES.get(match.match_type, match.match_type),
            *(_number(getattr(match, name)) for name in shown),
        ]
        for match in matches
    ]
    show_table(names, rows, title=Message("Candidates"))


def _number(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.4f}"


def _to_json(result: MatchResult) -> dict[str, object]:
    matches = [{**vars(match), "entry": match.entry.to_json()} for match in result.matches]
    return {**vars(result), "thresholds": vars(result.thresholds), "matches": matches}
