"""The ways to put the candidates of a query in order: one definition each, for what is timed and what is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.siamese_vs_cross_encoder.forms import Form
from models.types import Vectors
from service.reranking import MOST_RERANKED

Network = Literal["encoder", "reranker"]

RERANKED: Final = MOST_RERANKED
"""Candidates that the cross-encoder reads in two stages: as many as where it serves."""


class Comparison(Protocol):
    """One query and its n candidates."""

    def similarities(self) -> NDArray[np.float32]:
        """Give the cosines, (n,)."""
        ...

    def affinities(self) -> NDArray[np.float32]:
        """Give what the interaction head says, (n,) in [0, 1]."""
        ...

    def relevance(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give what the cross-encoder says of the candidates at `places`, (len(places),) in [0, 1]."""
        ...


class LiveComparison:
    """Computes everything when it is asked for, as a service would; what is known is the vectors of the candidates.

    `vectors` are (n, dim), of the form's own encoder.
    """

    def __init__(self, form: Form, query: str, texts: tuple[str, ...], vectors: Vectors) -> None:
        self._form = form
        self._query = query
        self._texts = texts
        self._vectors = vectors

    @cached_property
    def _asked(self) -> Vectors:
        vector: Vectors = self._form.encode([self._query])[0]
        return vector

    def similarities(self) -> NDArray[np.float32]:
        """As `Comparison`."""
        return self._vectors @ self._asked

    def affinities(self) -> NDArray[np.float32]:
        """As `Comparison`."""
        return self._form.affinities(self._asked, self._vectors)

    def relevance(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """As `Comparison`."""
        return self._form.relevance(self._query, [self._texts[place] for place in places])


@dataclass(frozen=True, kw_only=True)
class Way:
    """How candidates are put in order."""

    name: str
    label: str
    networks: tuple[Network, ...]
    """What the order depends on."""
    order: Callable[[Comparison], NDArray[np.int64]]
    """Gives the places of the candidates, (n,), best first; what is equal stays in the order of similarity."""


def by_similarity(comparison: Comparison) -> NDArray[np.int64]:
    """Encode the query; one matrix product."""
    return np.argsort(-comparison.similarities(), kind="stable")


def by_affinity(comparison: Comparison) -> NDArray[np.int64]:
    """The same, and the interaction head over all candidates."""
    return np.lexsort((-comparison.similarities(), -comparison.affinities()))


def by_relevance(comparison: Comparison) -> NDArray[np.int64]:
    """The cross-encoder over all candidates; the query is encoded too, since that is how they were found."""
    similarities = comparison.similarities()
    return np.lexsort((-similarities, -comparison.relevance(np.arange(len(similarities)))))


def in_two_stages(comparison: Comparison) -> NDArray[np.int64]:
    """Similarity, then the cross-encoder over the first few."""
    order = by_similarity(comparison)
    head = order[:RERANKED]
    return np.concatenate([head[np.argsort(-comparison.relevance(head), kind="stable")], order[RERANKED:]])


SIMILARITY: Final = Way(name="similarity", label="similarity", networks=("encoder",), order=by_similarity)
INTERACTION: Final = Way(name="interaction", label="interaction head", networks=("encoder",), order=by_affinity)
CROSS_ENCODER: Final = Way(
    name="cross_encoder", label="cross-encoder over all", networks=("reranker",), order=by_relevance
)
TWO_STAGE: Final = Way(
    name="two_stage",
    label=f"similarity, then cross-encoder over {RERANKED}",
    networks=("encoder", "reranker"),
    order=in_two_stages,
)
