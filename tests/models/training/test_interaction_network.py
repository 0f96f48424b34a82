import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from models.interaction_graph import build_interaction_graph
from models.onnx_session import load_session
from models.training.interaction_network import InteractionNetwork
from models.training.interaction_pairs import PairRows
from models.training.interaction_recipe import InteractionRecipe
from models.training.pair_recipe import PairTask

pytestmark = pytest.mark.usefixtures("one_thread")
TASK = PairTask(kind="groups", share=1, files=("faq.jsonl",))


def recipe_of(**settings):
    return InteractionRecipe(**{"steps": 1, "hidden": 8, "task": (TASK,)} | settings)


@pytest.fixture
def vectors():
    drawn = np.random.default_rng(4).normal(size=(60, 6)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def pairs(vectors):
    """Pairs of two tasks; in the second one most are right whatever their cosine."""
    random = np.random.default_rng(5)
    first, second = random.integers(60, size=(2, 400))
    task = np.repeat([0, 1], 200)
    chance = 1 / (1 + np.exp(-(4 * (vectors[first] * vectors[second]).sum(axis=1) + 2 * task)))
    return PairRows(first=first, second=second, label=np.float32(random.random(400) < chance), task=task)


def disturb(network):
    torch.manual_seed(1)
    with torch.no_grad():
        network.output.weight.normal_()
        network.hidden.bias.normal_()
    return network


def test_it_begins_as_the_likeliest_map_of_the_cosine_with_an_offset_a_task(vectors, pairs):
    network = InteractionNetwork(vectors, pairs, recipe_of())
    fitted = LogisticRegression(C=1e6).fit(np.stack([pairs.cosines(vectors), pairs.task], axis=1), pairs.label)
    slope, offset = fitted.coef_[0]
    expected = slope * pairs.cosines(vectors) + fitted.intercept_[0]
    np.testing.assert_allclose(network.logits(vectors, pairs), expected, atol=1e-3)
    told = network.offset(torch.from_numpy(pairs.task)).detach().numpy()
    np.testing.assert_allclose(told, offset * pairs.task, atol=1e-3)
    assert offset > 1


@pytest.mark.parametrize("product", [False, True])
def test_its_weights_give_the_graph_the_same_function(vectors, pairs, product, tmp_path):
    network = disturb(InteractionNetwork(vectors, pairs, recipe_of(product=product)))
    graph = build_interaction_graph(network.weights(), "d")
    (tmp_path / "head.onnx").write_bytes(graph.SerializeToString())
    session = load_session(tmp_path / "head.onnx")
    logits = network.logits(vectors, pairs)
    for row in range(10):
        inputs = {"query": vectors[None, pairs.first[row]], "candidates": vectors[None, pairs.second[row]]}
        assert session.run(None, inputs)[0][0] == pytest.approx(1 / (1 + np.exp(-logits[row])), abs=1e-5)


def test_it_does_not_matter_which_text_is_which(vectors, pairs):
    network = disturb(InteractionNetwork(vectors, pairs, recipe_of(product=True)))
    turned = PairRows(first=pairs.second, second=pairs.first, label=pairs.label, task=pairs.task)
    np.testing.assert_array_equal(network.logits(vectors, pairs), network.logits(vectors, turned))


def test_only_a_head_that_reads_the_product_knows_more_than_difference_and_cosine(vectors, pairs):
    moved = torch.from_numpy(vectors[:2] + 1)
    first, second = torch.from_numpy(vectors[:2])
    for product, same in ((False, True), (True, False)):
        network = disturb(InteractionNetwork(vectors, pairs, recipe_of(product=product)))
        with torch.no_grad():
            network.cosine.zero_()
            logits = [network(a[None], b[None]).item() for a, b in ((first, second), (moved[0], moved[1]))]
        assert (logits[0] == pytest.approx(logits[1], abs=1e-4)) is same


def test_dropout_is_only_in_training(vectors, pairs):
    network = disturb(InteractionNetwork(vectors, pairs, recipe_of(dropout=0.5)))
    first, second = torch.from_numpy(vectors[:20]), torch.from_numpy(vectors[20:40])
    assert not torch.equal(network(first, second), network(first, second))
    np.testing.assert_array_equal(network.logits(vectors, pairs), network.logits(vectors, pairs))
