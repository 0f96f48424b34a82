"""`faqmatch ask`: one query in process, each stage explained."""

import json
import logging
import sys

from indexer.home import Home
from service.commands.terminal import say, show_table, warn
from service.errors import NotReady
from service.logs import configure_logging
from service.matching import MatchOptions, MatchResult
from service.registry import Registry


def ask(home: Home, kb_name: str, question: str, options: MatchOptions, *, as_json: bool) -> None:
    """Match `question` and print the decision, the stages and the candidates."""
    home.existing_knowledge_base(kb_name)
    configure_logging(sys.stderr, logging.CRITICAL)
    registry = Registry(home)
    registry.refresh(only=kb_name)
    info = registry.describe(kb_name)
    if info.version is None:
        raise NotReady(f"knowledge base {kb_name} has no version that can be served: {info.problem}")
    if info.problem:
        warn(f"warning: {info.problem}")
    result = registry.matcher(kb_name).match(question, options)
    if as_json:
        say(json.dumps(_to_json(result), ensure_ascii=False, indent=2, default=str))
        return
    say(f"{result.decision}  (confidence {result.confidence:.3f})")
    if result.answer is not None:
        say(result.answer)
    explained = dict(result.explain or {})
    show_table(["stage", "result", "ms"], _stages(result, explained), title="Stages")
    rows = [
        [
            match.entry.id,
            match.matched_phrasing,
            match.match_type,
            "–" if match.similarity is None else f"{match.similarity:.4f}",
            f"{match.confidence:.4f}",
        ]
        for match in result.matches
    ]
    show_table(["entry", "matched phrasing", "match", "similarity", "confidence"], rows, title="Candidates")


def _stages(result: MatchResult, explained: dict[str, object]) -> list[list[str]]:
    taken = {stage: f"{ms:.2f}" for stage, ms in result.timings_ms.items()}
    margin = explained.get("margin")
    thresholds = f"answer {result.thresholds.answer}, clarify {result.thresholds.clarify}"
    return [
        ["normalise", f"text {explained.get('text')!r}, key {explained.get('key')!r}", taken.get("normalise", "–")],
        ["exact key", "found" if explained.get("exact") else "not found", "–"],
        ["encode", result.model, taken.get("encode", "–")],
        [
            "retrieve",
            f"version {result.version}"
            + (f", runner-up {explained.get('runner_up')}, margin {margin:.4f}" if isinstance(margin, float) else ""),
            taken.get("retrieve", "–"),
        ],
        ["confidence", f"{result.confidence:.4f} by {result.calibration}", "–"],
        ["decide", f"{result.decision}: {explained.get('reason')} (thresholds: {thresholds})", "–"],
        *(["notice", notice, "–"] for notice in result.notices),
        ["total", "", taken.get("total", "–")],
    ]


def _to_json(result: MatchResult) -> dict[str, object]:
    matches = [{**vars(match), "entry": match.entry.to_json()} for match in result.matches]
    return {**vars(result), "thresholds": vars(result.thresholds), "matches": matches}
