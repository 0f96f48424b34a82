import numpy as np
import pytest

from benchmarks.data_folder import PairSet
from benchmarks.set_scores import JudgedPairs, score_pairs, score_queries
from models.evaluation import RetrievalSet, evaluate_pairs

VECTORS = {
    "east": (1.0, 0.0),
    "north": (0.0, 1.0),
    "nearly east": (0.96, 0.28),
    "nearly north": (0.28, 0.96),
    "between, more north": (0.6, 0.8),
    "west": (-1.0, 0.0),
}
EVERY = np.arange(4)
QUERIES = RetrievalSet(
    name="made by hand",
    texts=("east", "north"),
    group_of_text=np.array([0, 1]),
    queries=("nearly east", "nearly north", "between, more north", "west"),
    relevant=(frozenset({0}), frozenset({1}), frozenset({0}), frozenset()),
)
PAIRS = PairSet(
    name="made by hand",
    texts_a=("east", "east", "east", "nearly north"),
    texts_b=("nearly east", "between, more north", "north", "west"),
    label=np.array([1.0, 0.0, 1.0, 0.0]),
)


class KnowingHead:
    """Gives the pairs of PAIRS that mean the same, with cosines .96 and 0, the higher affinity."""

    label = "knowing"

    def affinities(self, query, candidates):
        cosines = candidates @ query
        return np.where((cosines > 0.9) | (np.abs(cosines) < 1e-6), 0.9, 0.1).astype(np.float32)


def encode(texts):
    return np.array([VECTORS[text] for text in texts], np.float32)


def test_queries_are_scored_by_their_best_group_and_told_from_those_out_of_scope():
    figures = score_queries(encode, QUERIES).figures(EVERY)
    assert figures == pytest.approx({"P@1": 2 / 3, "MRR@10": (1 + 1 + 0.5) / 3, "hit@10": 1, "oos AUROC": 1})


def test_a_sample_of_queries_has_the_figures_of_those_it_holds():
    scores = score_queries(encode, QUERIES)
    assert scores.figures(np.array([2, 2, 0, 3]))["P@1"] == pytest.approx(1 / 3)
    in_scope_alone = scores.figures(np.array([0, 1, 1, 2]))
    assert in_scope_alone["P@1"] == 0.75
    assert np.isnan(in_scope_alone["oos AUROC"])
    assert all(map(np.isnan, scores.figures(np.array([3, 3, 3, 3])).values()))


def test_without_queries_out_of_scope_there_is_no_figure_for_them():
    data = RetrievalSet(**vars(QUERIES) | {"queries": ("nearly east",), "relevant": (frozenset({0}),)})
    assert score_queries(encode, data).figures(np.arange(1)) == {"P@1": 1, "MRR@10": 1, "hit@10": 1}


def test_a_query_out_of_scope_that_is_as_similar_is_not_told_apart():
    data = RetrievalSet(
        **vars(QUERIES)
        | {
            "queries": ("nearly east", "nearly north", "between, more north"),
            "relevant": (frozenset({0}), frozenset(), frozenset()),
        }
    )
    assert score_queries(encode, data).figures(np.arange(3))["oos AUROC"] == 0.5


def test_pairs_are_scored_by_their_cosine():
    figures = score_pairs(encode, None, PAIRS, graded=False).figures(EVERY)  # cosines .96, .6, 0, -.28
    assert figures.keys() == {"AP", "Spearman", "accuracy"}
    assert figures["accuracy"] == 0.75
    assert figures["AP"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert figures["Spearman"] == pytest.approx(1 / 5**0.5)  # ranks 4 3 2 1 against 3.5 1.5 3.5 1.5


def test_affinity_stands_beside_the_cosine_with_what_it_gains():
    figures = score_pairs(encode, KnowingHead(), PAIRS, graded=False).figures(EVERY)
    assert figures["AP by affinity"] == 1
    assert figures["AP gained by affinity"] == pytest.approx(1 - figures["AP"])


def test_of_graded_pairs_only_the_order_counts():
    graded = PairSet(**vars(PAIRS) | {"label": np.array([5.0, 3.0, 2.5, 0.0])})
    scores = score_pairs(encode, KnowingHead(), graded, graded=True)
    assert scores.figures(EVERY).keys() == {"Spearman", "Spearman by affinity", "Spearman gained by affinity"}
    assert scores.figures(EVERY)["Spearman"] == pytest.approx(1)
    assert np.isnan(scores.figures(np.array([1, 1, 1, 1]))["Spearman"])


def test_a_sample_of_pairs_has_the_figures_of_those_it_holds():
    generator = np.random.default_rng(3)
    label = (generator.random(500) < 0.3).astype(float)
    similarity = (label * 0.5 + generator.normal(size=500)).astype(np.float32)
    scores = JudgedPairs(label=label, graded=False, similarity=similarity)
    best = max(((similarity >= threshold) == (label > 0.5)).mean() for threshold in similarity)
    assert scores.figures(np.arange(500))["accuracy"] == best
    places = generator.integers(0, 500, 500)
    expected = evaluate_pairs(similarity[places], label[places])
    figures = scores.figures(places)
    assert (figures["AP"], figures["Spearman"]) == (expected.average_precision, expected.spearman)
    assert figures["accuracy"] <= expected.best_threshold_accuracy


@pytest.mark.parametrize("alike", [0, 1])
def test_pairs_of_one_kind_have_no_order(alike):
    scores = score_pairs(encode, None, PAIRS, graded=False)
    figures = scores.figures(np.flatnonzero(PAIRS.label == alike))
    assert np.isnan(figures["AP"])
    assert np.isnan(figures["Spearman"])
