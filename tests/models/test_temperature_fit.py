import numpy as np
import pytest

from models.errors import CheckpointError
from models.temperature_fit import HIGHEST, LOWEST, fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    random = np.random.default_rng(1)
    logits = random.normal(scale=4, size=40_000)
    right = random.random(40_000) < 1 / (1 + np.exp(-logits / temperature))
    assert fit_temperature(logits, right) == pytest.approx(temperature, rel=0.05)


def test_pairs_that_are_too_easy_or_too_few_give_no_certainty():
    logits = np.array([-1.0, -2.0, 1.0, 2.0])
    assert fit_temperature(logits / 2, logits > 0) == LOWEST
    assert fit_temperature(logits * 1000, np.array([True, False, False, True])) == HIGHEST


def test_a_network_that_prefers_wrong_pairs_is_refused():
    logits = np.array([-1.0, -2.0, 1.0, 2.0])
    with pytest.raises(CheckpointError, match="logits above 0 do not stand for right pairs"):
        fit_temperature(logits, logits < 0)


@pytest.mark.parametrize("right", [[True, True], [False, False]])
def test_pairs_of_one_label_teach_nothing(right):
    with pytest.raises(CheckpointError, match="development pairs are all right, or all wrong"):
        fit_temperature(np.array([1.0, 2.0]), np.array(right))
