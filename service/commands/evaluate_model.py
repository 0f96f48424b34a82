"""`faqmatch model evaluate`: how well a model tells what means the same, on labelled texts of one's own."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.directory import find_model, open_directory
from models.encoded_texts import encode_once
from models.encoder import OnnxEncoder
from models.errors import EvaluationError
from models.evaluation import Encode, RetrievalSet, evaluate_pairs, evaluate_retrieval, read_retrieval_set
from models.interaction import OnnxInteractionHead, has_interaction_head
from models.intervals import Interval, mean_interval, measured_intervals
from models.message import Message
from models.reranking import first_candidates
from models.training.texts import Pair, read_pairs
from models.types import Encoder, InteractionHead
from service.commands.terminal import StageProgress, say, show_table, show_verbatim

Compare = Callable[[Sequence[Pair]], NDArray[np.float32]]
"""Gives a number a pair, (n,), the higher the more both texts mean the same; of an encoder it is the cosine."""
_CANDIDATES: Final = 10
"""Of a query, that an interaction head puts into order."""
_NAMES: Final[Mapping[str, str]] = {
    "best_threshold_accuracy": Message("accuracy at the best threshold"),
    "average_precision": Message("average precision"),
    "spearman": Message("Spearman correlation"),
    "precision_at_1": "P@1",
    "precision_at_1_by_similarity": Message("P@1 by similarity"),
    "precision_at_1_by_relevance": Message("P@1 by relevance"),
    "precision_at_1_gain": Message("P@1, gain"),
    "mrr_at_10": "MRR@10",
    "hit_at_5": "hit@5",
    "hit_at_10": "hit@10",
}


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was measured on one labelled set."""

    source: Path
    facts: Mapping[str, int | float]
    """Sizes, and what else is no measure."""
    measures: Mapping[str, Interval]
    """By a name of `_NAMES`, 0..1 or, of the correlation, -1..1; higher is better."""
    summary: Message
    """One line about the set."""
    affinity: Mapping[str, Interval] = field(default_factory=dict)
    """Measures by the interaction head, where the model has one, under the same names."""

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of one set."""
        affinity = {"affinity": _to_json(self.affinity)} if self.affinity else {}
        return {"source": str(self.source), **self.facts, **_to_json(self.measures), **affinity}


def evaluate_model(
    name_or_directory: str, pairs: Path | None, queries: Path | None, threads: int, *, as_json: bool
) -> None:
    """Measure an encoder on a pair file, on a folder of queries, or on both, and print the numbers.

    Where the model has an interaction head, what affinity gives stands beside what the cosine gives. Raises
    EvaluationError or TrainingError, which name what is wrong with a labelled set, before anything is encoded.
    """
    if pairs is None and queries is None:
        raise EvaluationError(Message("nothing to measure: name labelled texts with --pairs or --queries"))
    labelled = read_labelled_pairs(pairs) if pairs else []
    asked = read_labelled_queries(queries) if queries else None
    directory = open_directory(find_model(name_or_directory))
    encoder = OnnxEncoder.load(directory, threads)
    head = OnnxInteractionHead.open(directory) if has_interaction_head(directory) else None
    texts = chain.from_iterable(pair[:2] for pair in labelled)
    encode = encode_with_progress(encoder, chain(texts, asked.texts + asked.queries if asked else ()))
    found: dict[str, Evaluation] = {}
    if pairs:
        found["pairs"] = judge_pairs(pairs, labelled, _cosine(encode))
        if head:
            affinity = judge_pairs(pairs, labelled, _affinity(encode, head)).measures
            found["pairs"] = replace(found["pairs"], affinity=affinity)
    if queries and asked:
        found["queries"] = judge_queries(queries, asked, encode)
        if head:
            found["queries"] = replace(found["queries"], affinity=judge_first_candidates(asked, encode, head))
    if as_json:
        labels = {"model": encoder.spec.label} | ({"interaction": head.label} if head else {})
        document = {**labels, **{kind: one.to_json() for kind, one in found.items()}}
        show_verbatim(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        show_evaluations(encoder.spec.label, head.label if head else None, found.values())


def encode_with_progress(encoder: Encoder, texts: Iterable[str]) -> Encode:
    """Encode every text in its normal form, the same one once, and give what looks the vectors up."""
    with StageProgress() as progress:
        return encode_once(encoder.encode, texts, lambda done, total: progress("encode", done, total)).encode


def judge_pairs(source: Path, pairs: Sequence[Pair], compare: Compare) -> Evaluation:
    """Measure how the numbers of `compare` tell the pairs of similarity above 0.5 from the others.

    The interval of the accuracy is that of the threshold which is best on all pairs.
    """
    found, label = compare(pairs), np.array([pair.similarity for pair in pairs])
    same = label > 0.5

    def measure(places: NDArray[np.int64]) -> NDArray[np.float64]:
        if not 0 < same[places].sum() < len(places):
            return np.full(2, np.nan)
        scores = evaluate_pairs(found[places], label[places])
        return np.array([scores.average_precision, scores.spearman])

    threshold = evaluate_pairs(found, label).threshold
    average_precision, spearman = measured_intervals(measure, len(pairs))
    return Evaluation(
        source=source,
        facts={"rows": len(pairs), "same": int(same.sum()), "threshold": threshold},
        measures={
            "best_threshold_accuracy": mean_interval((found >= threshold) == same),
            "average_precision": average_precision,
            "spearman": spearman,
        },
        summary=Message(
            "{file}: {rows:,} pairs, {same:,} of them mean the same; best threshold {threshold:.4f}",
            file=source,
            rows=len(pairs),
            same=int(same.sum()),
            threshold=threshold,
        ),
    )


def judge_queries(source: Path, data: RetrievalSet, encode: Encode) -> Evaluation:
    """Measure at which rank the queries in scope find an entry that is right."""
    scores = evaluate_retrieval(encode, data)
    facts = {
        "entries": int(data.group_of_text.max()) + 1,
        "phrasings": len(data.texts),
        "in_scope": len(scores.in_scope),
        "out_of_scope": len(data.queries) - len(scores.in_scope),
    }
    return Evaluation(
        source=source,
        facts=facts,
        measures={
            "precision_at_1": mean_interval(scores.in_scope <= 1),
            "mrr_at_10": mean_interval(scores.reciprocal_ranks_at(10)),
            "hit_at_5": mean_interval(scores.in_scope <= 5),
            "hit_at_10": mean_interval(scores.in_scope <= 10),
        },
        summary=Message(
            "{folder}: {entries:,} entries, {phrasings:,} phrasings, {in_scope:,} queries in scope "
            "({out_of_scope:,} out of scope are not counted)",
            folder=source,
            **facts,
        ),
    )


def judge_first_candidates(data: RetrievalSet, encode: Encode, head: InteractionHead) -> dict[str, Interval]:
    """Measure how often affinity puts a right one of the encoder's first candidates in front, of queries in scope."""
    found = first_candidates(encode, data, _CANDIDATES)
    affinity = [head.affinities(encode([query])[0], encode(candidates)) for query, candidates in found.by_query()]
    in_scope = np.array([bool(right) for right in data.relevant])
    return {"precision_at_1": mean_interval(found.right_first(np.concatenate(affinity))[in_scope])}


def read_labelled_pairs(file: Path) -> list[Pair]:
    """Read a pair file; EvaluationError where it holds no pairs that mean the same, or none that do not."""
    pairs = read_pairs(file)
    if len({pair.similarity > 0.5 for pair in pairs}) < 2:
        raise EvaluationError(
            Message("{file}: holds no pairs that mean the same, or none that do not: both are needed", file=file)
        )
    return pairs


def read_labelled_queries(folder: Path) -> RetrievalSet:
    """Read a folder of queries; EvaluationError where there is nothing to confuse or nothing to find."""
    data = read_retrieval_set(folder)
    if data.group_of_text[-1] == 0:
        raise EvaluationError(Message("{folder}: holds one entry alone: at least two are needed", folder=folder))
    if not any(data.relevant):
        raise EvaluationError(Message("{folder}: no query names an id that is in its faq.jsonl", folder=folder))
    return data


def _cosine(encode: Encode) -> Compare:
    def compare(pairs: Sequence[Pair]) -> NDArray[np.float32]:
        first, second = (encode(texts) for texts in ([pair.first for pair in pairs], [pair.second for pair in pairs]))
        cosines: NDArray[np.float32] = (first * second).sum(axis=1)
        return cosines

    return compare


def _affinity(encode: Encode, head: InteractionHead) -> Compare:
    def compare(pairs: Sequence[Pair]) -> NDArray[np.float32]:
        first, second = (encode(texts) for texts in ([pair.first for pair in pairs], [pair.second for pair in pairs]))
        sides = zip(first, second[:, None], strict=True)
        return np.array([head.affinities(query, candidate)[0] for query, candidate in sides], np.float32)

    return compare


def _to_json(measures: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval.to_json() for name, interval in measures.items()}


def show_evaluations(model: str, head: str | None, found: Iterable[Evaluation]) -> None:
    """Print a table a set: the measures of `model`, and beside them those of its interaction head, where it has one."""
    within = Message("95 % interval")
    columns = [Message("measure"), model, within, *([head, within] if head else [])]
    for one in found:
        rows = [
            [_NAMES[name], *_cells(interval), *(_cells(one.affinity.get(name)) if head else [])]
            for name, interval in one.measures.items()
        ]
        say(one.summary)
        show_table(columns, rows)


def _cells(interval: Interval | None) -> list[str]:
    return [f"{interval.value:.4f}", f"{interval.low:.4f} .. {interval.high:.4f}"] if interval else ["", ""]
