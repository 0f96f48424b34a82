import numpy as np
import pytest

from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from benchmarks.siamese_vs_cross_encoder.judging import encode_lists, judge
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, INTERACTION, SIMILARITY, TWO_STAGE

COUNTS = (2, 5, 12)
QUERIES = 4
RIGHT = (0, 1, 4, 11)
"""Of each query the place of the right candidate, from the nearest on: among the first 2, 2, 5 and 12."""


def lists():
    return [
        CandidateList(query=f"q{number}", texts=tuple(f"t{place}" for place in range(12)), right=np.arange(12) == right)
        for number, right in enumerate(RIGHT)
    ]


@pytest.fixture
def form(planted_form):
    angles = {f"t{place}": place / 10 for place in range(12)} | {f"q{number}": 0.0 for number in range(QUERIES)}
    return planted_form(vectors={text: (np.cos(angle), np.sin(angle)) for text, angle in angles.items()})


def know(form, *, right: float, wrong: float):
    form.judgement = {
        (one.query, text): right if is_right else wrong
        for one in lists()
        for text, is_right in zip(one.texts, one.right, strict=True)
    }


def test_a_reranker_that_knows_the_answer_has_a_precision_of_1_as_far_as_it_is_among_the_candidates(form):
    know(form, right=0.9, wrong=0.1)
    right = judge("planted", form, lists(), (CROSS_ENCODER, TWO_STAGE), COUNTS)
    assert right["cross_encoder", 12].mean() == 1
    assert right["cross_encoder", 5].tolist() == [True, True, True, False]
    assert right["cross_encoder", 2].tolist() == [True, True, False, False]
    assert right["two_stage", 12].tolist() == [True, True, True, False], "the twelfth is not read"


def test_a_reranker_that_knows_it_the_wrong_way_round_has_a_precision_of_0(form):
    know(form, right=0.1, wrong=0.9)
    assert judge("planted", form, lists(), (CROSS_ENCODER,), COUNTS)["cross_encoder", 12].mean() == 0


def test_similarity_and_the_head_are_right_where_their_first_one_is(form):
    right = judge("planted", form, lists(), (SIMILARITY, INTERACTION), COUNTS)
    assert all(right["similarity", count].tolist() == [True, False, False, False] for count in COUNTS)
    assert right["interaction", 2].tolist() == [False, True, False, False]
    assert right["interaction", 12].tolist() == [False, False, False, True]


def test_each_pair_is_read_once_for_all_counts_and_ways_and_each_text_encoded_once(form):
    know(form, right=0.9, wrong=0.1)
    judge("planted", form, lists(), (SIMILARITY, CROSS_ENCODER, TWO_STAGE), COUNTS)
    assert len(form.judged) == len(set(form.judged)) == QUERIES * 12
    assert len(form.encoded) == len(set(form.encoded)) == QUERIES + 12


def test_what_no_way_asks_for_is_not_computed(form):
    judge("planted", form, lists(), (SIMILARITY,), COUNTS)
    assert form.judged == []


def test_the_vectors_of_a_list_are_those_of_its_texts_in_order(planted_form):
    form = planted_form(vectors={"long one": (1.0, 0.0), "b": (0.0, 1.0), "a": (0.6, 0.8)})
    some = [CandidateList(query="q", texts=texts, right=np.zeros(2, bool)) for texts in (("long one", "b"), ("b", "a"))]
    first, second = encode_lists(form, some)
    assert first.tolist() == [[1, 0], [0, 1]]
    assert second.tolist() == [[0, 1], [pytest.approx(0.6), pytest.approx(0.8)]]
    assert form.encoded == ["a", "b", "long one"]
