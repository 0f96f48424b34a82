import json

import numpy as np
import pytest

from models.evaluation import evaluate_pairs
from models.training.interaction import average_precisions, train_head
from models.training.interaction_pairs import PairRows
from models.training.interaction_recipe import InteractionRecipe
from models.training.pair_recipe import PairTask

pytestmark = pytest.mark.usefixtures("one_thread")
TASK = PairTask(kind="groups", share=1, files=("faq.jsonl",))


@pytest.fixture
def vectors():
    """The first two of eight numbers say what a text means, the others only what it is like."""
    random = np.random.default_rng(4)
    meaning = random.integers(2, size=(300, 2)) * 2.0 - 1
    drawn = np.concatenate([meaning, random.normal(size=(300, 6))], axis=1).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def draw(vectors):
    def draw(count: int, seed: int, *, learnable: bool = True) -> PairRows:
        random = np.random.default_rng(seed)
        first, second = random.integers(300, size=(2, count))
        same = (np.sign(vectors[first, :2]) == np.sign(vectors[second, :2])).all(axis=1)
        label = same if learnable else random.permutation(same)
        return PairRows(first=first, second=second, label=label.astype(np.float32), task=np.zeros(count, np.int64))

    return draw


@pytest.fixture
def train(vectors, draw, tmp_path):
    def train(pairs=None, development=None, told=None, **settings):
        small = {"rows": 32, "steps": 1, "learning_rate": 1e-2, "hidden": 16, "evaluate_every": 50, "patience": 100}
        recipe = InteractionRecipe(**small | {"task": (TASK,)} | settings)
        sets = development or {"a": draw(400, 2), "b": draw(300, 3)}
        report = told.append if told is not None else lambda _: None
        return train_head(vectors, pairs or draw(6400, 1), sets, recipe, tmp_path / "log.jsonl", lambda *of: report(of))

    return train


def log(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]


def test_what_the_cosine_does_not_see_is_learnt(train, vectors, draw):
    told = []
    trained = train(told=told)
    alone = average_precisions(lambda pairs: pairs.cosines(vectors), {"a": draw(400, 2), "b": draw(300, 3)})
    assert told[0] == (0, pytest.approx(alone["mean"], abs=1e-3))
    assert max(found for _, found in told) > alone["mean"] + 0.2
    assert trained.steps == max(told, key=lambda report: report[1])[0]


def test_the_weights_are_those_of_the_best_measurement(train, vectors, draw):
    told = []
    trained, sets = train(told=told), {"a": draw(400, 2), "b": draw(300, 3)}
    first, second = np.split(trained.development_logits, [400])
    found = average_precisions(lambda pairs: first if len(pairs) == 400 else second, sets)
    assert found["mean"] == pytest.approx(max(found for _, found in told), abs=1e-6)
    weights, pairs = trained.weights, sets["a"]
    u, v = vectors[pairs.first], vectors[pairs.second]
    learnt = np.maximum(np.abs(u - v) @ weights.hidden.T + weights.hidden_bias, 0) @ weights.output
    expected = weights.cosine_slope * pairs.cosines(vectors) + weights.intercept + learnt
    np.testing.assert_allclose(first, expected, atol=1e-3)


def test_the_log_has_every_loss_and_every_measurement(train, tmp_path):
    train()
    losses = [line for line in log(tmp_path) if "loss" in line]
    assert [line["step"] for line in losses] == list(range(1, 201))
    assert np.mean([line["loss"] for line in losses[-20:]]) < 0.7 * np.mean([line["loss"] for line in losses[:20]])
    measured = [line for line in log(tmp_path) if "average_precision_mean" in line]
    assert [line["step"] for line in measured] == [0, 50, 100, 150, 200]
    for line in measured:
        both = line["average_precision_a"], line["average_precision_b"]
        assert line["average_precision_mean"] == pytest.approx(np.mean(both))


def test_where_nothing_can_be_learnt_it_stops_early(train, draw, tmp_path):
    sets = {"a": draw(400, 2, learnable=False)}
    train(pairs=draw(64_000, 1), development=sets, evaluate_every=10, patience=3)
    steps = [line["step"] for line in log(tmp_path) if "average_precision_mean" in line]
    values = [line["average_precision_mean"] for line in log(tmp_path) if "average_precision_mean" in line]
    assert steps[-1] < 2000
    assert np.argmax(values) == len(values) - 4


def test_the_seed_decides_all(train):
    first, second, other = train(), train(), train(seed=2)
    np.testing.assert_array_equal(first.weights.hidden, second.weights.hidden)
    assert not np.array_equal(first.weights.hidden, other.weights.hidden)


@pytest.mark.parametrize("change", [{"weight_decay": 5.0}, {"dropout": 0.5}, {"product": True}, {"hidden": 8}])
def test_every_switch_changes_what_is_learnt(train, change):
    before, after = train().weights.hidden, train(**change).weights.hidden
    assert before.shape != after.shape or not np.array_equal(before, after)


def test_average_precision_is_that_of_each_set_and_their_mean(vectors, draw):
    sets = {"a": draw(400, 2), "b": draw(300, 3)}
    found = average_precisions(lambda pairs: pairs.cosines(vectors), sets)
    each = [evaluate_pairs(one.cosines(vectors), one.label.astype(float)).average_precision for one in sets.values()]
    assert found == pytest.approx({"a": each[0], "b": each[1], "mean": np.mean(each)})
