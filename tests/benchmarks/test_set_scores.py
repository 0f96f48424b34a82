import numpy as np
import pytest

from benchmarks.data_folder import PairSet
from benchmarks.encoding import MeasuredEncoder
from benchmarks.set_scores import judge_at_best_threshold, score_pairs, score_retrieval
from models.evaluation import RetrievalSet

VECTORS = {
    "east": (1.0, 0.0),
    "north": (0.0, 1.0),
    "nearly east": (0.96, 0.28),
    "nearly north": (0.28, 0.96),
    "between, more north": (0.6, 0.8),
    "west": (-1.0, 0.0),
}


def encode(texts):
    return np.array([VECTORS[text] for text in texts], np.float32)


def test_queries_are_scored_by_their_best_group_and_told_from_those_out_of_scope():
    data = RetrievalSet(
        name="made by hand",
        texts=("east", "north"),
        group_of_text=np.array([0, 1]),
        queries=("nearly east", "nearly north", "between, more north", "west"),
        relevant=(frozenset({0}), frozenset({1}), frozenset({0}), frozenset()),
    )
    scores = score_retrieval(encode, data)
    assert scores.metrics == pytest.approx({"P@1": 2 / 3, "MRR@10": (1 + 1 + 0.5) / 3, "hit@10": 1, "oos AUROC": 1})
    assert scores.judged.tolist() == [True, True, False]
    assert scores.to_json()["P@1"]["value"] == pytest.approx(2 / 3)
    assert scores.to_json()["hit@10"] == 1


def test_pairs_are_scored_by_their_cosine():
    data = PairSet(
        name="made by hand",
        texts_a=("east", "east", "east", "nearly north"),
        texts_b=("nearly east", "between, more north", "north", "west"),
        label=np.array([1.0, 0.0, 1.0, 0.0]),
    )
    scores = score_pairs(encode, data)  # cosines .96, .6, 0, -.28
    assert scores.metrics["accuracy"] == 0.75
    assert scores.metrics["AP"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert scores.judged.tolist() == [True, True, False, True]


def test_the_judgements_have_the_accuracy_that_is_reported():
    generator = np.random.default_rng(3)
    label = (generator.random(500) < 0.3).astype(float)
    similarity = (label * 0.5 + generator.normal(size=500)).astype(np.float32)
    judged = judge_at_best_threshold(similarity, label)
    by_hand = max(((similarity >= threshold) == (label > 0.5)).mean() for threshold in similarity)
    assert judged.mean() == by_hand


def test_a_text_is_encoded_once_in_its_normal_form():
    seen = []

    def remember(texts):
        seen.extend(texts)
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    encoder = MeasuredEncoder("remembered", remember)
    vectors = encoder.encode(["怎麼退貨", "怎么退货", " a  b "])
    assert seen == ["a b", "怎么退货"]
    assert vectors[:, 0].tolist() == [4, 4, 3]
    encoder.encode(["a b", "c"])
    assert (seen[-1], encoder.encoded) == ("c", 3)
