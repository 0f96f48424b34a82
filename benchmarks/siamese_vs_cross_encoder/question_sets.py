"""The labelled sets: the queries in scope, and for each the entries that the encoder finds first."""

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from benchmarks import bundled
from benchmarks.circumstances import SEED
from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from indexer.entries import read_entries
from models import normalise
from models.evaluation import Encode, RetrievalSet, read_retrieval_set
from models.reranking import first_candidates
from service.commands.models import DEMO_FAQ

Item = TypeVar("Item")

BUNDLED: Final = "bundled"
"""The name of the set that needs no data folder."""


def read_set(name: str, data: DataFolder) -> RetrievalSet:
    """Read the bundled FAQ, or a folder of the data folder with `faq.jsonl` and `queries.jsonl`."""
    return _read_bundled() if name == BUNDLED else read_retrieval_set(data.find(f"{name}/faq.jsonl").parent)


def keep_in_scope(data: RetrievalSet, most: int | None) -> RetrievalSet:
    """Give the normal forms, and of the queries in scope `most` at most, chosen by chance: only these have a P@1.

    BenchmarkError where there is none.
    """
    rows = [row for row, relevant in enumerate(data.relevant) if relevant]
    if not rows:
        raise BenchmarkError(f"set {data.name}: no query names an id that is in its faq.jsonl")
    rows = choose(rows, most)
    return RetrievalSet(
        name=data.name,
        texts=tuple(map(normalise.text, data.texts)),
        group_of_text=data.group_of_text,
        queries=tuple(normalise.text(data.queries[row]) for row in rows),
        relevant=tuple(data.relevant[row] for row in rows),
    )


def count_entries(data: RetrievalSet) -> int:
    """Give the number of groups."""
    return int(data.group_of_text[-1]) + 1


def list_candidates(encode: Encode, data: RetrievalSet, count: int) -> list[CandidateList]:
    """Find the first `count` entries for each query; there must be so many."""
    found = first_candidates(encode, data, count)
    return [
        CandidateList(query=query, texts=tuple(texts), right=right)
        for (query, texts), right in zip(found.by_query(), found.right.reshape(-1, count), strict=True)
    ]


def choose(items: Sequence[Item], most: int | None) -> list[Item]:
    """Give `most` of the items at most, chosen by the seed of all benchmarks, in their order."""
    if most is None or most >= len(items):
        return list(items)
    places = np.random.default_rng(SEED).choice(len(items), most, replace=False)
    return [items[place] for place in sorted(places)]


def _read_bundled() -> RetrievalSet:
    entries = read_entries(DEMO_FAQ).require_clean().entries
    queries = bundled.read_queries(bundled.FOLDER / "queries.jsonl")
    place = {entry.id: number for number, entry in enumerate(entries)}
    return RetrievalSet(
        name=BUNDLED,
        texts=tuple(text for entry in entries for text in entry.phrasings),
        group_of_text=np.repeat(np.arange(len(entries)), [len(entry.phrasings) for entry in entries]),
        queries=tuple(query.query for query in queries),
        relevant=tuple(frozenset(place[one] for one in query.relevant) for query in queries),
    )
