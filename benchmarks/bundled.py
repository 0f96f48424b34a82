"""`bundled`: the decisions on the bundled FAQ, by the whole matcher, with what comes out of the box.

The thresholds are the defaults, and nothing is ever tuned on these queries: they stand for the first knowledge base
of somebody who has just installed faqmatch. A query is right when the id of the top match is one of its relevant
ones; in cross.jsonl, questions in one language about entries of the other, one id alone is. These are asked twice:
of the whole FAQ, where entries in the language of the question compete, and of a knowledge base that holds only the
entries in the other language.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from benchmarks.circumstances import observe_circumstances
from benchmarks.knowledge_base import OpenKnowledgeBase, build_knowledge_base
from benchmarks.report import Report, Table
from indexer.entries import read_entries
from indexer.entry import Entry
from models.intervals import Interval, mean_interval
from service.commands.models import DEMO_FAQ
from service.matcher import VersionMatcher
from service.matching import MatchOptions, MatchResult, Thresholds

FOLDER: Final = Path(__file__).with_name("bundled_faq")
_QUICK_QUERIES: Final = 40

Outcome = Literal["answered right", "answered wrong", "clarified with", "clarified without", "rejected"]
"""Of a query in scope; `clarified with` the right entry among the matches."""
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "answered right",
    "answered wrong",
    "clarified with",
    "clarified without",
    "rejected",
)
_TITLES: Final = {
    "queries": "queries.jsonl",
    "cross": "cross.jsonl, the whole FAQ",
    "cross_alone": "cross.jsonl, only the entries in the other language",
}
DECISIONS: Final = ("answer", "clarify", "reject")


@dataclass(frozen=True, kw_only=True)
class BundledOptions:
    """How to run it."""

    model: str
    threads: int
    quick: bool = False
    errors: bool = False
    """Also list the queries that were answered wrongly."""


class Query(NamedTuple):
    """A line of a queries file; no `relevant` = out of scope."""

    query: str
    relevant: frozenset[str]
    lang: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A query and what the matcher made of it."""

    query: Query
    result: MatchResult

    @property
    def right(self) -> bool:
        """Whether the top match is a relevant one."""
        return bool(self.result.matches) and self.result.matches[0].entry.id in self.query.relevant

    @property
    def among_matches(self) -> bool:
        """Whether a relevant entry was brought back at all, whatever was decided."""
        return any(match.entry.id in self.query.relevant for match in self.result.matches)

    @property
    def outcome(self) -> Outcome:
        """What the decision is worth to whoever asked, for a query in scope."""
        if self.result.decision == "answer":
            return "answered right" if self.right else "answered wrong"
        if self.result.decision == "reject":
            return "rejected"
        return "clarified with" if self.among_matches else "clarified without"


def measure_bundled(options: BundledOptions) -> Report:
    """Index the bundled FAQ into a temporary home and match every query with default options."""
    circumstances = observe_circumstances()
    files = {name: read_queries(FOLDER / f"{name}.jsonl") for name in ("queries", "cross")}
    if options.quick:
        step = {name: max(1, len(queries) // _QUICK_QUERIES) for name, queries in files.items()}
        files = {name: queries[:: step[name]] for name, queries in files.items()}
    with tempfile.TemporaryDirectory(prefix="faqmatch-benchmark-") as folder:
        entries = read_entries(DEMO_FAQ).require_clean().entries
        build_knowledge_base(Path(folder), entries, options.model, options.threads)
        opened = OpenKnowledgeBase.open(Path(folder))
        judged = {name: judge(opened.matcher(), queries) for name, queries in files.items()}
        judged["cross_alone"] = _judge_alone(Path(folder), entries, files["cross"], options)
    groups = {name: _by_language(found) for name, found in judged.items()}
    wrong = [one for found in judged.values() for one in found if _is_wrong_answer(one)]
    return Report(
        name="bundled",
        circumstances=circumstances.complete(),
        settings={
            "model": opened.version.manifest.encoder.label,
            "calibration": opened.model.confidence.label,
            "thresholds": vars(Thresholds()),
            "top": MatchOptions().top,
            "entries": len(entries),
            "phrasings": opened.version.manifest.phrasings,
            "threads": options.threads,
            "quick": options.quick,
        },
        results={
            **{name: {lang: summarise(found) for lang, found in group.items()} for name, group in groups.items()},
            "wrong_answers": [_error_to_json(one) for one in wrong],
        },
        tables=[
            *(_table(_TITLES[name], group) for name, group in groups.items()),
            *([_error_table(wrong)] if options.errors else []),
        ],
    )


def read_queries(file: Path) -> list[Query]:
    """Read a queries file, one JSON object a line."""
    with file.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Query(row["query"], frozenset(row["relevant"]), row["lang"]) for row in rows]


def judge(matcher: VersionMatcher, queries: Iterable[Query]) -> list[Judged]:
    """Match each query with default options."""
    return [Judged(query=query, result=matcher.match(query.query, MatchOptions())) for query in queries]


def _judge_alone(
    home: Path, entries: Sequence[Entry], queries: Sequence[Query], options: BundledOptions
) -> list[Judged]:
    """Ask each query of a knowledge base that holds the language of its entry alone (ids begin with the language)."""
    judged = []
    for lang in sorted({one[:2] for query in queries for one in query.relevant}):
        own = [entry for entry in entries if entry.id.startswith(f"{lang}-")]
        build_knowledge_base(home, own, options.model, options.threads, kb=lang)
        about = [query for query in queries if all(one.startswith(f"{lang}-") for one in query.relevant)]
        judged += judge(OpenKnowledgeBase.open(home, lang).matcher(), about)
    return judged


def summarise(judged: Sequence[Judged]) -> dict[str, Any]:
    """Count outcomes in scope and decisions out of scope; P@1 is over those in scope."""
    inside = [one for one in judged if one.query.relevant]
    outcomes = Counter(one.outcome for one in inside)
    decisions = Counter(one.result.decision for one in judged if not one.query.relevant)
    return {
        "in_scope": len(inside),
        "P@1": _precision(inside).to_json() if inside else None,
        "hit@5": float(np.mean([one.among_matches for one in inside])) if inside else None,
        "outcomes": {outcome: outcomes[outcome] for outcome in OUTCOMES},
        "out_of_scope": len(judged) - len(inside),
        "decisions": {decision: decisions[decision] for decision in DECISIONS},
    }


def _precision(judged: Sequence[Judged]) -> Interval:
    return mean_interval(np.array([one.right for one in judged]))


def _is_wrong_answer(one: Judged) -> bool:
    return one.result.decision == "answer" and not one.right


def _by_language(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    languages = sorted({one.query.lang for one in judged})
    return {**{lang: [one for one in judged if one.query.lang == lang] for lang in languages}, "all": list(judged)}


def _table(title: str, groups: Mapping[str, Sequence[Judged]]) -> Table:
    rows = []
    for lang, judged in groups.items():
        summary = summarise(judged)
        inside, outside = summary["in_scope"], summary["out_of_scope"]
        precision = _precision([one for one in judged if one.query.relevant]).show(3) if inside else "–"
        rows.append(
            [
                lang,
                str(inside),
                precision,
                f"{summary['hit@5']:.3f}" if inside else "–",
                *(_share(count, inside) for count in summary["outcomes"].values()),
                str(outside),
                *(_share(count, outside) for count in summary["decisions"].values()),
            ]
        )
    columns = ("", "in scope", "P@1", "hit@5", *OUTCOMES, "out of scope", "answered", "clarified", "rejected")
    return Table(title=title, columns=columns, rows=rows)


def _share(count: int, of: int) -> str:
    return f"{count} ({100 * count / of:.0f} %)" if of else "–"


def _error_to_json(one: Judged) -> dict[str, Any]:
    top = one.result.matches[0]
    return {
        "query": one.query.query,
        "lang": one.query.lang,
        "relevant": sorted(one.query.relevant),
        "answered": top.entry.id,
        "matched_phrasing": top.matched_phrasing,
        "similarity": top.similarity,
        "confidence": round(one.result.confidence, 4),
    }


def _error_table(wrong: Sequence[Judged]) -> Table:
    rows = [
        [
            one.query.lang,
            one.query.query,
            ", ".join(sorted(one.query.relevant)) or "none: out of scope",
            one.result.matches[0].entry.id,
            one.result.matches[0].matched_phrasing,
            f"{one.result.confidence:.3f}",
        ]
        for one in wrong
    ]
    columns = ("lang", "query", "relevant", "answered", "matched phrasing", "confidence")
    return Table(title="Answered wrongly", columns=columns, rows=rows)
