"""Measuring an encoder on labelled texts: who finds the group that means the same, who tells pairs apart.

The definitions are those that the published figures of this project are compared by: a group scores as its best
text, its rank is one plus the number of groups that score strictly higher, ties averaged in Spearman.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import EvaluationError
from models.message import Message
from models.types import Vectors

Encode = Callable[[Sequence[str]], Vectors]
_Row = TypeVar("_Row")
_BLOCK = 256  # queries compared at a time: bounds memory at block x texts floats


@dataclass(frozen=True, kw_only=True)
class RetrievalSet:
    """Groups of texts that mean the same, and queries with the groups that are right for them (none: out of scope)."""

    name: str
    texts: tuple[str, ...]
    group_of_text: NDArray[np.int64]
    queries: tuple[str, ...]
    relevant: tuple[frozenset[int], ...]


@dataclass(frozen=True, kw_only=True)
class RetrievalScores:
    """Per query, in order. `rank` is 0 where the query is out of scope."""

    rank: NDArray[np.int64]
    best: NDArray[np.float32]
    """Similarity of the best group."""
    margin: NDArray[np.float32]
    """Best minus second-best group."""

    def precision_at_1(self) -> float:
        """Share of in-scope queries whose best group is right."""
        return float((self.in_scope == 1).mean())

    def hit_at(self, k: int) -> float:
        """Share of in-scope queries with a right group among the first k."""
        return float((self.in_scope <= k).mean())

    def reciprocal_rank_at(self, k: int) -> float:
        """Mean of 1/rank over in-scope queries, 0 beyond k (MRR@k)."""
        return float(self.reciprocal_ranks_at(k).mean())

    def reciprocal_ranks_at(self, k: int) -> NDArray[np.float64]:
        """1/rank of each in-scope query, 0 beyond k."""
        ranks = self.in_scope
        return np.where(ranks <= k, 1 / ranks, 0)

    @property
    def in_scope(self) -> NDArray[np.int64]:
        """The ranks of the in-scope queries alone."""
        return self.rank[self.rank > 0]


@dataclass(frozen=True, kw_only=True)
class PairScores:
    """How well one number a pair tells same meaning from another: higher is better, but for the threshold."""

    best_threshold_accuracy: float
    threshold: float
    """The similarity from which on a pair counts as the same there."""
    average_precision: float
    spearman: float
    """0 where all similarities are equal."""


def read_retrieval_set(folder: Path) -> RetrievalSet:
    """Read `faq.jsonl` and `queries.jsonl` (else `queries.dev.jsonl`) of a folder.

    EvaluationError names the row that cannot be used.
    """
    groups = _read_jsonl(
        folder / "faq.jsonl",
        lambda row: (str(row["id"]), _phrasings(row)),
        Message("an object with id, question and, where there are other phrasings, their list similar"),
    )
    query_file = folder / "queries.jsonl"
    queries = _read_jsonl(
        query_file if query_file.exists() else folder / "queries.dev.jsonl",
        lambda row: (_checked(row["query"]), _relevant_ids(row)),
        Message("an object with query and relevant, the list of the ids that are right"),
    )
    number = {id_: place for place, (id_, _) in enumerate(groups)}
    return RetrievalSet(
        name=folder.name,
        texts=tuple(text for _, phrasings in groups for text in phrasings),
        group_of_text=np.repeat(np.arange(len(groups)), [len(phrasings) for _, phrasings in groups]),
        queries=tuple(query for query, _ in queries),
        relevant=tuple(frozenset(number[id_] for id_ in ids if id_ in number) for _, ids in queries),
    )


def hold_out_one_text(faq_file: Path) -> RetrievalSet:
    """Make a development set of an FAQ file: the last phrasing of each group becomes its query."""
    expected = Message("an object with question and, where there are other phrasings, their list similar")
    groups = _read_jsonl(faq_file, _phrasings, expected)
    kept = [phrasings[:-1] or phrasings for phrasings in groups]
    return RetrievalSet(
        name=Message("{file}, one phrasing held out", file=f"{faq_file.parent.name}/{faq_file.name}"),
        texts=tuple(text for texts in kept for text in texts),
        group_of_text=np.repeat(np.arange(len(kept)), [len(texts) for texts in kept]),
        queries=tuple(phrasings[-1] for phrasings in groups if len(phrasings) > 1),
        relevant=tuple(frozenset([number]) for number, phrasings in enumerate(groups) if len(phrasings) > 1),
    )


def evaluate_retrieval(encode: Encode, data: RetrievalSet) -> RetrievalScores:
    """Rank all groups for each query by their best text's cosine."""
    texts, queries = encode(data.texts), encode(data.queries)
    starts = np.flatnonzero(np.r_[True, data.group_of_text[1:] != data.group_of_text[:-1]])
    rank = np.zeros(len(queries), np.int64)
    best, margin = np.zeros(len(queries), np.float32), np.zeros(len(queries), np.float32)
    for begin in range(0, len(queries), _BLOCK):
        block = np.maximum.reduceat(queries[begin : begin + _BLOCK] @ texts.T, starts, axis=1)
        for row, similarities in enumerate(block, begin):
            second, first = np.partition(similarities, -2)[-2:]
            best[row], margin[row] = first, first - second
            if right := list(data.relevant[row]):
                rank[row] = 1 + (similarities > similarities[right].max()).sum()
    return RetrievalScores(rank=rank, best=best, margin=margin)


def evaluate_pairs(similarity: NDArray[np.float32], label: NDArray[np.float64]) -> PairScores:
    """Score `similarity` (n,) against graded or binary `label` (n,); above 0.5 counts as the same meaning.

    Pairs of equal similarity lie on the same side of every threshold.
    """
    order = np.argsort(-similarity, kind="stable")
    same = label[order] > 0.5
    above = np.flatnonzero(np.diff(similarity[order], append=np.nan)) + 1  # pairs above each possible threshold
    true_above = np.cumsum(same)[above - 1]
    right = true_above + (~same).sum() - (above - true_above)
    best = right.argmax()
    return PairScores(
        best_threshold_accuracy=float(right[best] / len(same)),
        threshold=float(similarity[order][above[best] - 1]),
        average_precision=float((np.diff(true_above, prepend=0) * true_above / above).sum() / same.sum()),
        spearman=float(np.corrcoef(_average_ranks(similarity), _average_ranks(label))[0, 1]) if len(above) > 1 else 0.0,
    )


def _average_ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: NDArray[np.float64] = (ends - (counts - 1) / 2)[place]
    return ranks


def _read_jsonl(file: Path, parse: Callable[[dict[str, Any]], _Row], expected: Message) -> list[_Row]:
    """Read an object a line; EvaluationError names a row of which `parse` makes nothing, and what was expected."""
    rows = []
    for number, line in enumerate(file.read_bytes().removesuffix(b"\n").split(b"\n"), 1):
        try:
            rows.append(parse(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(
                Message("{file}, row {row}: is not {expected}", file=file, row=number, expected=expected)
            ) from error
    return rows


def _phrasings(row: dict[str, Any]) -> list[str]:
    return [_checked(text) for text in (row["question"], *_list(row.get("similar") or []))]


def _relevant_ids(row: dict[str, Any]) -> list[str]:
    return [str(id_) for id_ in (_list(row["relevant"]) if "relevant" in row else [row["faq_id"]])]


def _checked(text: Any) -> str:  # noqa: ANN401 (whatever stands in JSON)
    if not isinstance(text, str):
        raise TypeError
    text.encode()  # half a surrogate pair is no text
    return text


def _list(values: Any) -> list[Any]:  # noqa: ANN401
    if not isinstance(values, list):
        raise TypeError
    return values
