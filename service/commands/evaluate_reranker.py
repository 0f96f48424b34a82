"""`faqmatch model evaluate` for a reranker: how well relevance tells pairs apart, and what reranking gains."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from models import normalise
from models.directory import find_model
from models.encoder import OnnxEncoder
from models.errors import EvaluationError
from models.evaluation import RetrievalSet
from models.intervals import mean_interval
from models.message import Message
from models.reranker import OnnxReranker
from models.reranking import RerankingSet, first_candidates
from models.training.texts import Pair
from models.types import Reranker
from service.commands.evaluate_model import (
    Compare,
    Evaluation,
    encode_with_progress,
    judge_pairs,
    read_labelled_pairs,
    read_labelled_queries,
    show_evaluations,
)
from service.commands.terminal import StageProgress, show_verbatim
from service.reranking import MOST_RERANKED

_Item = TypeVar("_Item")
_AT_A_TIME: Final = 64
"""Items between two reports of progress."""


def evaluate_reranker(
    name_or_directory: str, pairs: Path | None, queries: Path | None, encoder: str, threads: int, *, as_json: bool
) -> None:
    """Measure a reranker on a pair file, on a folder of queries, or on both, and print the numbers.

    `encoder` names the model that finds the candidates of the queries. Raises EvaluationError or TrainingError, which
    name what is wrong with a labelled set, before anything is judged.
    """
    if pairs is None and queries is None:
        raise EvaluationError(Message("nothing to measure: name labelled texts with --pairs or --queries"))
    labelled = read_labelled_pairs(pairs) if pairs else []
    asked = read_labelled_queries(queries) if queries else None
    reranker = OnnxReranker.open(find_model(name_or_directory))
    document: dict[str, object] = {"model": reranker.spec.label}
    found: dict[str, Evaluation] = {}
    if queries and asked:
        finder = OnnxEncoder.open(find_model(encoder), threads)
        document["encoder"] = finder.spec.label
        encode = encode_with_progress(finder, chain(asked.texts, asked.queries))
        candidates = first_candidates(encode, _in_normal_form(asked), MOST_RERANKED)
        found["queries"] = judge_reranking(queries, asked, candidates, judge_candidates(reranker, candidates, threads))
    if pairs:
        found = {"pairs": judge_pairs(pairs, labelled, relevance_of(reranker, threads))} | found
    if as_json:
        document |= {kind: one.to_json() for kind, one in found.items()}
        show_verbatim(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        show_evaluations(reranker.spec.label, None, found.values())


def relevance_of(reranker: Reranker, threads: int) -> Compare:
    """Give what judges pairs, `threads` of them side by side, with progress."""

    def compare(pairs: Sequence[Pair]) -> NDArray[np.float32]:
        return np.concatenate(_side_by_side(lambda pair: reranker.relevance(pair.first, [pair.second]), pairs, threads))

    return compare


def judge_candidates(reranker: Reranker, candidates: RerankingSet, threads: int) -> NDArray[np.float32]:
    """Give the relevance of every candidate of every query, (pairs,), with progress."""
    return np.concatenate(_side_by_side(lambda asked: reranker.relevance(*asked), candidates.by_query(), threads))


def judge_reranking(
    source: Path, data: RetrievalSet, candidates: RerankingSet, relevance: NDArray[np.float32]
) -> Evaluation:
    """Measure P@1 of the queries in scope by similarity and, of the same candidates, by `relevance`, (pairs,)."""
    in_scope = np.array([bool(right) for right in data.relevant])
    by_similarity = candidates.right_first(candidates.similarity)[in_scope]
    by_relevance = candidates.right_first(relevance)[in_scope]
    facts = {
        "entries": int(data.group_of_text.max()) + 1,
        "phrasings": len(data.texts),
        "in_scope": int(in_scope.sum()),
        "out_of_scope": int((~in_scope).sum()),
        "candidates": len(candidates.pairs) // len(data.queries),
    }
    return Evaluation(
        source=source,
        facts=facts,
        measures={
            "precision_at_1_by_similarity": mean_interval(by_similarity),
            "precision_at_1_by_relevance": mean_interval(by_relevance),
            "precision_at_1_gain": mean_interval(by_relevance.astype(np.float64) - by_similarity),
        },
        summary=Message(
            "{folder}: the first {candidates} of {entries:,} entries judged for each of {in_scope:,} queries in scope "
            "({out_of_scope:,} out of scope are not counted)",
            folder=source,
            **facts,
        ),
    )


def _in_normal_form(data: RetrievalSet) -> RetrievalSet:
    texts, queries = (tuple(map(normalise.text, texts)) for texts in (data.texts, data.queries))
    return replace(data, texts=texts, queries=queries)


def _side_by_side(
    judge: Callable[[_Item], NDArray[np.float32]], items: Sequence[_Item], threads: int
) -> list[NDArray[np.float32]]:
    found: list[NDArray[np.float32]] = []
    with StageProgress() as progress, ThreadPoolExecutor(threads, thread_name_prefix="judge") as workers:
        for begin in range(0, len(items), _AT_A_TIME):
            progress("rerank", begin, len(items))
            found += workers.map(judge, items[begin : begin + _AT_A_TIME])
        progress("rerank", len(items), len(items))
    return found
