import numpy as np
import pytest

from models.evaluation import RetrievalSet
from models.reranking import first_candidates

ANGLES = {"a1": 0, "a2": 40, "b1": 10, "c1": 100, "c2": 20, "near a2": 39, "near b1": 9, "near c1": 101, "none": 60}


def encode(texts):
    angles = np.radians([ANGLES[text] for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def data():
    return RetrievalSet(
        name="toy",
        texts=("a1", "a2", "b1", "c1", "c2"),
        group_of_text=np.array([0, 0, 1, 2, 2]),
        queries=("near a2", "near b1", "none", "near c1"),
        relevant=(frozenset([0]), frozenset([2]), frozenset(), frozenset([1])),
    )


def test_candidates_are_the_nearest_texts_of_the_first_groups(data):
    found = first_candidates(encode, data, 2)
    assert found.by_query() == [
        ("near a2", ["a2", "c2"]),
        ("near b1", ["b1", "a1"]),
        ("none", ["a2", "c2"]),
        ("near c1", ["c1", "a2"]),
    ]
    assert found.right.tolist() == [True, False, False, False, False, False, False, False]
    assert found.query_of_pair.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert found.similarity[0] == pytest.approx(np.cos(np.radians(1)), abs=1e-6)
    assert (found.name, found.in_scope) == ("toy", 3)


def test_the_encoders_own_precision_is_that_of_its_similarities(data):
    assert first_candidates(encode, data, 3).precision_at_1(first_candidates(encode, data, 3).similarity) == 1 / 3


def test_a_reranker_can_only_put_in_front_what_was_found(data):
    every = first_candidates(encode, data, 9)
    assert len(every.pairs) == 4 * 3
    assert every.precision_at_1(every.right.astype(float)) == 1
    two = first_candidates(encode, data, 2)
    assert two.precision_at_1(two.right.astype(float)) == 1 / 3
    assert two.precision_at_1(-two.right.astype(float)) == 0


def test_many_queries_are_compared_block_by_block(data):
    many = RetrievalSet(**vars(data) | {"queries": data.queries * 200, "relevant": data.relevant * 200})
    found, once = first_candidates(encode, many, 2), first_candidates(encode, data, 2)
    assert found.pairs == once.pairs * 200
    assert found.right.tolist() == once.right.tolist() * 200
    assert found.precision_at_1(found.similarity) == pytest.approx(1 / 3)


def test_each_query_is_right_or_wrong_by_its_best_pair(data):
    found = first_candidates(encode, data, 2)
    assert found.right_first(found.similarity).tolist() == [True, False, False, False]
    assert found.right_first(-found.similarity).tolist() == [False, False, False, False]
    assert found.right_first(np.ones(8)).tolist() == [True, False, False, False], "an equal one counts"
