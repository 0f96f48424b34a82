from dataclasses import dataclass, field

import numpy as np
import pytest

from benchmarks.siamese_vs_cross_encoder.ways import (
    CROSS_ENCODER,
    INTERACTION,
    RERANKED,
    SIMILARITY,
    TWO_STAGE,
    LiveComparison,
)


@dataclass
class Planted:
    similarity: list[float]
    affinity: list[float]
    known: list[float]
    read: list[int] = field(default_factory=list)

    def similarities(self):
        return np.array(self.similarity, np.float32)

    def affinities(self):
        return np.array(self.affinity, np.float32)

    def relevance(self, places):
        self.read += places.tolist()
        return np.array(self.known, np.float32)[places]


def test_each_way_puts_candidates_in_the_order_of_its_own_number_and_ties_in_that_of_similarity():
    planted = Planted(similarity=[0.2, 0.9, 0.5, 0.7], affinity=[0.8, 0.1, 0.8, 0.3], known=[0.5, 0.5, 0.9, 0.1])
    assert SIMILARITY.order(planted).tolist() == [1, 3, 2, 0]
    assert INTERACTION.order(planted).tolist() == [2, 0, 3, 1]
    assert CROSS_ENCODER.order(planted).tolist() == [2, 1, 0, 3]
    assert TWO_STAGE.order(planted).tolist() == [2, 1, 0, 3]


def test_two_stages_read_only_the_first_few_by_similarity_and_leave_the_others_behind_them():
    similarity = np.linspace(0, 1, 30).tolist()  # the last ones are the nearest
    planted = Planted(similarity=similarity, affinity=[], known=np.linspace(1, 0, 30).tolist())
    assert TWO_STAGE.order(planted).tolist() == [*range(20, 30), *reversed(range(20))]
    assert len(planted.read) == RERANKED
    assert set(planted.read) == set(range(20, 30))


def test_a_live_comparison_asks_its_form_and_encodes_the_query_once(planted_form):
    form = planted_form(
        vectors={"q": (0.6, 0.8), "a": (1.0, 0.0), "b": (0.0, 1.0)}, judgement={("q", "a"): 0.9, ("q", "b"): 0.2}
    )
    live = LiveComparison(form, "q", ("a", "b"), form.encode(["a", "b"]))
    assert live.similarities().tolist() == pytest.approx([0.6, 0.8])
    assert live.affinities().tolist() == pytest.approx([0.4, 0.2])
    assert live.relevance(np.array([1, 0])).tolist() == pytest.approx([0.2, 0.9])
    assert form.encoded == ["a", "b", "q"]
