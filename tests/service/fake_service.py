"""A service over knowledge bases that live in memory; run by path, with the repository on PYTHONPATH.

Questions it understands: `sleep SECONDS` takes its time, `fail` raises, `no reranker` cannot be reranked, anything else
is answered with itself.
"""

import os
import sys
import time

from indexer.entry import Entry
from models.message import Message
from service.app import create_app
from service.errors import NoReranker, NotReady, StartError, UnknownKnowledgeBase
from service.logs import configure_logging
from service.matching import KnowledgeBaseInfo, Match, MatchOptions, MatchResult, Readiness, Thresholds
from service.server import serve
from service.settings import load_settings

VERSION = "20261124T101502-3f2a"
MODEL = "fake@0123456789ab"
ANSWER = "<script>alert('hi')</script> 打开设置"


class FakeMatcher:
    def match(self, query: str, options: MatchOptions) -> MatchResult:
        if query == "no reranker" and options.rerank == "on":
            raise NoReranker(Message("there is none: ask with rerank off"))
        if query == "fail":
            raise RuntimeError("secret detail of /home/somebody in numpy")
        if query.startswith("sleep "):
            time.sleep(float(query.removeprefix("sleep ")))
        entry = Entry(
            id="echo",
            question=query,
            answer=ANSWER,
            tags=options.tags,
            metadata={"top": options.top, "rerank": options.rerank},
        )
        match = Match(
            entry=entry, matched_phrasing=query, match_type="dense", similarity=0.123456789, confidence=0.987654321
        )
        return MatchResult(
            decision="answer",
            answer=ANSWER,
            confidence=match.confidence,
            matches=(match,),
            thresholds=options.thresholds or Thresholds(),
            calibration="default@1f0c",
            version=VERSION,
            model=MODEL,
            timings_ms={"encode": 3.0, "total": 4.0},
            explain={"query": query} if options.explain else None,
        )


class FakeKnowledgeBases:
    def names(self):
        return ["demo", "loading", "other"]

    def matcher(self, kb):
        if self.describe(kb).version is None:
            raise NotReady(f"the knowledge base {kb!r} is being loaded")
        return FakeMatcher()

    def describe(self, kb):
        if kb not in self.names():
            raise UnknownKnowledgeBase(f"there is no knowledge base {kb!r}; GET /v1/kbs lists those there are")
        loaded = kb != "loading"
        return KnowledgeBaseInfo(
            name=kb,
            version=VERSION if loaded else None,
            model=MODEL if loaded else None,
            languages=("zh", "en"),
            entries=1,
            phrasings=2,
            thresholds=Thresholds(),
            published_at="2026-11-24T10:15:02Z" if loaded else None,
            problem=None if loaded else "it is being loaded",
        )

    def reranker(self):
        return "judge@0123456789ab"

    def readiness(self):
        problems = tuple(filter(None, os.environ.get("FAKE_PROBLEMS", "").split(",")))
        return Readiness(ready=not problems, problems=problems)


if __name__ == "__main__":
    configure_logging()
    try:
        settings = load_settings()
        serve(create_app(FakeKnowledgeBases(), settings), settings)
    except StartError as error:
        sys.exit(str(error))
