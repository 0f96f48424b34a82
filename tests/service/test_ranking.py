import numpy as np
import pytest

from models.confidence import ConfidenceMap
from service.ranking import rank_by_relevance, rank_by_similarity
from service.retrieval import Candidate

CONFIDENCE = ConfidenceMap(
    encoder="c" * 64, intercept=-4, similarity_slope=8, margin_slope=0, background=0, fitted_on="chosen by hand"
)
CANDIDATES = [Candidate(entry=number, row=number, similarity=0.8 - number / 10) for number in range(4)]
OWN = [1 / (1 + np.exp(4 - 8 * candidate.similarity)) for candidate in CANDIDATES]


def places(ranked) -> list[int]:
    return [one.candidate.entry for one in ranked]


def test_by_similarity_each_is_as_sure_as_its_map_says():
    ranked = rank_by_similarity(CANDIDATES, CONFIDENCE)
    assert places(ranked) == [0, 1, 2, 3]
    assert [one.confidence for one in ranked] == pytest.approx(OWN, abs=1e-6)
    assert all(one.relevance is None for one in ranked)
    assert rank_by_similarity([], CONFIDENCE) == []


def test_by_relevance_those_that_were_judged_come_first_in_its_order():
    ranked = rank_by_relevance(CANDIDATES, np.array([0.25, 0.75], np.float32), CONFIDENCE)
    assert places(ranked) == [1, 0, 2, 3]
    assert [one.relevance for one in ranked] == [0.75, 0.25, None, None]
    assert [one.confidence for one in ranked] == [0.75, 0.25, 0.25, 0.25]


def test_those_behind_stay_as_sure_as_they_are_where_that_is_less():
    ranked = rank_by_relevance(CANDIDATES, np.array([0.75, 1.0], np.float32), CONFIDENCE)
    assert [one.confidence for one in ranked] == pytest.approx([1.0, 0.75, OWN[2], OWN[3]], abs=1e-6)


def test_equal_relevance_keeps_the_order_of_similarity():
    ranked = rank_by_relevance(CANDIDATES, np.array([0.5, 1.0, 0.5, 1.0], np.float32), CONFIDENCE)
    assert places(ranked) == [1, 3, 0, 2]


def test_without_a_judgement_it_is_the_order_of_similarity():
    nothing = np.empty(0, np.float32)
    assert rank_by_relevance(CANDIDATES, nothing, CONFIDENCE) == rank_by_similarity(CANDIDATES, CONFIDENCE)
    assert rank_by_relevance([], nothing, CONFIDENCE) == []
