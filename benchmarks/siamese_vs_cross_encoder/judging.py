"""P@1 of every way and number of candidates: each text and each pair is read once, and looked up from then on."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from benchmarks.siamese_vs_cross_encoder.forms import Form
from benchmarks.siamese_vs_cross_encoder.ways import INTERACTION, LiveComparison, Way
from models.types import Vectors

_SHOW_EVERY: Final = 20
_NOTHING: Final[NDArray[np.float32]] = np.empty(0, np.float32)


@dataclass(frozen=True, kw_only=True)
class KnownComparison:
    """A query and candidates of which everything is known; what the ways do not ask for may be empty."""

    similarity: NDArray[np.float32]
    affinity: NDArray[np.float32]
    relevance_of_all: NDArray[np.float32]

    def first(self, count: int) -> "KnownComparison":
        """Keep the first candidates alone: what is known of one does not depend on the others."""
        return KnownComparison(
            similarity=self.similarity[:count],
            affinity=self.affinity[:count],
            relevance_of_all=self.relevance_of_all[:count],
        )

    def similarities(self) -> NDArray[np.float32]:
        """As `Comparison`."""
        return self.similarity

    def affinities(self) -> NDArray[np.float32]:
        """As `Comparison`."""
        return self.affinity

    def relevance(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """As `Comparison`."""
        return self.relevance_of_all[places]


def judge(
    name: str, form: Form, lists: Sequence[CandidateList], ways: Sequence[Way], counts: Sequence[int]
) -> dict[tuple[str, int], NDArray[np.bool_]]:
    """Say of each way's name and number of candidates, and of each query, (len(lists),), whether the first is right."""
    vectors = encode_lists(form, lists)
    with_head = INTERACTION in ways
    with_reranker = any("reranker" in way.networks for way in ways)
    right: dict[tuple[str, int], list[bool]] = {(way.name, count): [] for way in ways for count in counts}
    for number, (candidates, found) in enumerate(zip(lists, vectors, strict=True), 1):
        live = LiveComparison(form, candidates.query, candidates.texts, found)
        known = KnownComparison(
            similarity=live.similarities(),
            affinity=live.affinities() if with_head else _NOTHING,
            relevance_of_all=live.relevance(np.arange(len(candidates.texts))) if with_reranker else _NOTHING,
        )
        for way in ways:
            for count in counts:
                first = way.order(known.first(count))[0]
                right[way.name, count].append(bool(candidates.right[first]))
        if number % _SHOW_EVERY == 0:
            print(f"{name}: {number:,} of {len(lists):,} queries judged", file=sys.stderr)
    return {key: np.array(found) for key, found in right.items()}


def encode_lists(form: Form, lists: Iterable[CandidateList]) -> list[Vectors]:
    """Give the vectors of the candidates of each list, (n, dim); each text is encoded once."""
    lists = list(lists)
    texts = sorted({text for one in lists for text in one.texts}, key=lambda text: (len(text), text))
    place = {text: number for number, text in enumerate(texts)}
    vectors = form.encode(texts)
    return [vectors[[place[text] for text in one.texts]] for one in lists]
