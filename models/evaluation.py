"""Measuring an encoder on labelled texts: who finds the group that means the same, who tells pairs apart.

The definitions are those that the published figures of this project are compared by: a group scores as its best
text, its rank is one plus the number of groups that score strictly higher, ties averaged in Spearman.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.message import Message
from models.types import Vectors

Encode = Callable[[Sequence[str]], Vectors]
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
        return float((self._in_scope == 1).mean())

    def hit_at(self, k: int) -> float:
        """Share of in-scope queries with a right group among the first k."""
        return float((self._in_scope <= k).mean())

    def reciprocal_rank_at(self, k: int) -> float:
        """Mean of 1/rank over in-scope queries, 0 beyond k (MRR@k)."""
        ranks = self._in_scope
        return float(np.where(ranks <= k, 1 / ranks, 0).mean())

    @property
    def _in_scope(self) -> NDArray[np.int64]:
        return self.rank[self.rank > 0]


@dataclass(frozen=True, kw_only=True)
class PairScores:
    """How well one number a pair tells same meaning from another: higher is better in all three."""

    best_threshold_accuracy: float
    average_precision: float
    spearman: float


def read_retrieval_set(folder: Path) -> RetrievalSet:
    """Read `faq.jsonl` and `queries.jsonl` (else `queries.dev.jsonl`) of a folder."""
    texts: list[str] = []
    groups: list[int] = []
    number: dict[str, int] = {}
    for row in _read_jsonl(folder / "faq.jsonl"):
        number[str(row["id"])] = len(number)
        phrasings = [row["question"], *row.get("similar", [])]
        texts += phrasings
        groups += [number[str(row["id"])]] * len(phrasings)
    query_file = folder / "queries.jsonl"
    rows = _read_jsonl(query_file if query_file.exists() else folder / "queries.dev.jsonl")
    relevant = [row["relevant"] if "relevant" in row else [row["faq_id"]] for row in rows]
    return RetrievalSet(
        name=folder.name,
        texts=tuple(texts),
        group_of_text=np.array(groups),
        queries=tuple(row["query"] for row in rows),
        relevant=tuple(frozenset(number[str(i)] for i in ids if str(i) in number) for ids in relevant),
    )


def hold_out_one_text(faq_file: Path) -> RetrievalSet:
    """Make a development set of an FAQ file: the last phrasing of each group becomes its query."""
    rows = _read_jsonl(faq_file)
    kept = [[row["question"], *row["similar"][:-1]] for row in rows]
    return RetrievalSet(
        name=Message("{file}, one phrasing held out", file=f"{faq_file.parent.name}/{faq_file.name}"),
        texts=tuple(text for texts in kept for text in texts),
        group_of_text=np.repeat(np.arange(len(kept)), [len(texts) for texts in kept]),
        queries=tuple(row["similar"][-1] for row in rows if row["similar"]),
        relevant=tuple(frozenset([number]) for number, row in enumerate(rows) if row["similar"]),
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
    true_below = (~same).sum() - (above - true_above)
    return PairScores(
        best_threshold_accuracy=float(((true_above + true_below) / len(same)).max()),
        average_precision=float((np.diff(true_above, prepend=0) * true_above / above).sum() / same.sum()),
        spearman=float(np.corrcoef(_average_ranks(similarity), _average_ranks(label))[0, 1]),
    )


def _average_ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: NDArray[np.float64] = (ends - (counts - 1) / 2)[place]
    return ranks


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
