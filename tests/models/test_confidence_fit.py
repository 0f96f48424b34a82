import numpy as np
import pytest

from models.confidence_fit import fit_confidence
from models.errors import CheckpointError
from models.evaluation import RetrievalScores, RetrievalSet


def run(name, best, margin, right):
    data = RetrievalSet(
        name=name,
        texts=(),
        group_of_text=np.empty(0, np.int64),
        queries=("",) * len(best),
        relevant=(frozenset([0]),) * len(best),
    )
    scores = RetrievalScores(
        rank=np.where(right, 1, 0).astype(np.int64),
        best=np.asarray(best, np.float32),
        margin=np.asarray(margin, np.float32),
    )
    return data, scores


def drawn(count, seed=0, similarity_slope=10.0, margin_slope=20.0, intercept=-9.0):
    """Queries whose best group is right with the probability that the map gives."""
    random = np.random.default_rng(seed)
    best, margin = random.uniform(0.5, 1, count), random.uniform(0, 0.3, count)
    logit = intercept + similarity_slope * best + margin_slope * margin
    return best, margin, random.random(count) < 1 / (1 + np.exp(-logit))


def test_the_map_that_drew_the_data_is_found_again():
    fitted = fit_confidence("ab", [run("drawn", *drawn(40_000))])
    assert fitted.similarity_slope == pytest.approx(10, rel=0.1)
    assert fitted.margin_slope == pytest.approx(20, rel=0.1)
    assert fitted.intercept == pytest.approx(-9, rel=0.1)
    assert (fitted.encoder, fitted.fitted_on) == ("ab", "drawn")


def test_a_confidence_of_seven_in_ten_is_right_seven_times_in_ten():
    fitted = fit_confidence("ab", [run("drawn", *drawn(40_000))])
    best, margin, right = drawn(40_000, seed=1)
    pairs = np.stack([best, best - margin], axis=1).astype(np.float32)
    confidences = np.array([fitted.confidences(pair)[0] for pair in pairs])
    around = (confidences > 0.65) & (confidences < 0.75)
    assert right[around].mean() == pytest.approx(0.7, abs=0.03)


def test_each_set_weighs_the_same_whatever_its_size():
    mostly_right, mostly_wrong = drawn(1_000, intercept=-6), drawn(1_000, seed=1, intercept=-12)
    alike = fit_confidence("ab", [run("one", *mostly_right), run("other", *mostly_wrong)])
    larger = fit_confidence("ab", [run("one", *(np.tile(x, 20) for x in mostly_right)), run("other", *mostly_wrong)])
    assert larger.intercept == pytest.approx(alike.intercept, rel=0.01)
    assert larger.margin_slope == pytest.approx(alike.margin_slope, rel=0.01)
    assert larger.fitted_on == "one, other"


def test_the_background_is_what_unrelated_questions_reach():
    fitted = fit_confidence("ab", [run("drawn", *drawn(5_000))])
    assert 0.2 < fitted.background < 0.5


@pytest.mark.parametrize(
    ("similarity_slope", "margin_slope", "intercept"), [(-10, 20, 5), (10, -20, -5), (-10, -20, 10)]
)
def test_a_slope_that_would_be_negative_is_held_at_0(similarity_slope, margin_slope, intercept):
    data = drawn(5_000, similarity_slope=similarity_slope, margin_slope=margin_slope, intercept=intercept)
    fitted = fit_confidence("ab", [run("drawn", *data)])
    assert fitted.similarity_slope == 0 or similarity_slope > 0
    assert fitted.margin_slope == 0 or margin_slope > 0
    confidences = fitted.confidences(np.array([0.9, 0.7], np.float32))
    assert confidences[0] >= confidences[1]


def test_without_any_slope_the_confidence_is_the_share_that_is_right():
    best, margin, right = drawn(5_000, similarity_slope=-10, margin_slope=-20, intercept=10)
    fitted = fit_confidence("ab", [run("drawn", best, margin, right)])
    assert (fitted.similarity_slope, fitted.margin_slope) == (0, 0)
    assert fitted.confidences(np.array([0.9, 0.7], np.float32))[0] == pytest.approx(right.mean(), abs=1e-6)


def test_sets_too_easy_to_tell_apart_still_give_finite_numbers():
    best, margin, _ = drawn(200)
    fitted = fit_confidence("ab", [run("easy", best, margin, best > 0.7)])
    assert np.isfinite([fitted.intercept, fitted.similarity_slope, fitted.margin_slope]).all()
    assert fitted.confidences(np.array([0.95, 0.5], np.float32))[0] > 0.99


@pytest.mark.parametrize(("right", "told"), [(True, "every query"), (False, "no query")])
def test_what_cannot_be_learnt_is_refused(right, told):
    best, margin, _ = drawn(50)
    with pytest.raises(CheckpointError, match=f"confidence cannot be fitted: {told} of the development sets finds its"):
        fit_confidence("ab", [run("drawn", best, margin, np.full(50, right))])
