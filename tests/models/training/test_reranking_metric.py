import numpy as np
import pytest

from models.reranking import RerankingSet
from models.training.reranking_metric import RerankingMetric


class Ordered:
    """Stands for a model: a pair's logit is a number that stands for its two texts in their order."""

    def __init__(self, logits: dict[tuple[str, str], float]) -> None:
        self.logits = logits

    def predict(self, pairs, *, activation_fn, show_progress_bar):
        assert activation_fn(3) == 3
        assert not show_progress_bar
        return np.array([self.logits.get(pair, 0.0) for pair in pairs], np.float32)


def reranked(name: str, *right: bool) -> RerankingSet:
    return RerankingSet(
        name=name,
        pairs=(("q", "a"), ("q", "z")),
        query_of_pair=np.array([0, 0]),
        right=np.array(right),
        similarity=np.array([0.9, 0.8], np.float32),
        in_scope=1,
    )


def test_the_pairs_are_read_in_the_order_in_which_they_are_served():
    metric = RerankingMetric([reranked("en-en", False, True)], both_directions=False)
    assert metric(Ordered({("q", "z"): 1.0, ("q", "a"): 9.0}))["p_at_1"] == 1.0
    assert metric(Ordered({("a", "q"): 1.0, ("z", "q"): 9.0}))["p_at_1"] == 0.0


def test_in_both_directions_both_count():
    metric = RerankingMetric([reranked("en-en", False, True)], both_directions=True)
    assert metric(Ordered({("a", "q"): 1.0, ("z", "q"): 9.0}))["p_at_1"] == 1.0
    assert metric(Ordered({("a", "q"): 5.0, ("q", "z"): 2.0, ("z", "q"): 2.0}))["p_at_1"] == 0.0


def test_sets_are_reported_beside_the_encoder_alone():
    metric = RerankingMetric([reranked("en-en", True, False), reranked("zh-en", False, True)], both_directions=False)
    assert metric(Ordered({("q", "z"): 1.0})) == {
        "p_at_1_en-en": 0.0,
        "p_at_1_zh-en": 1.0,
        "encoder_p_at_1": 0.5,
        "p_at_1": 0.5,
    }
    assert (metric.primary_metric, metric.greater_is_better) == ("p_at_1", True)


def test_the_mean_is_that_of_the_sets():
    metric = RerankingMetric([reranked("a", True, False), reranked("b", True, False)], both_directions=False)
    assert metric(Ordered({("a", "q"): 1.0}))["p_at_1"] == pytest.approx(1.0)
