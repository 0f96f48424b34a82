import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.interaction_graph import build_interaction_graph


def units(count, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def run(graph, query, candidates):
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"query": query, "candidates": candidates})
    return found


def by_torch(weights, query, candidates, temperature):
    query, candidates = torch.from_numpy(query), torch.from_numpy(candidates)
    product, difference = query * candidates, (query - candidates).abs()
    features = difference if weights.hidden.shape[1] == 8 else torch.cat([difference, product], dim=1)
    hidden, bias, output = (torch.from_numpy(one) for one in (weights.hidden, weights.hidden_bias, weights.output))
    learnt = torch.relu(torch.nn.functional.linear(features, hidden, bias)) @ output
    cosine = torch.nn.functional.cosine_similarity(query, candidates)
    return torch.sigmoid((weights.cosine_slope * cosine + weights.intercept + learnt) / temperature).numpy()


@pytest.mark.parametrize("product", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_the_graph_equals_torch(head_weights, product, temperature):
    weights, query, candidates = head_weights(8, product=product), units(1, 1), units(5, 2)
    found = run(build_interaction_graph(weights, "d", temperature), query, candidates)
    assert found.shape == (5,)
    np.testing.assert_allclose(found, by_torch(weights, query, candidates, temperature), atol=1e-6)


def test_without_what_was_learnt_it_is_a_logistic_map_of_the_cosine(head_weights):
    weights, query, candidates = head_weights(8, output=np.zeros(16, np.float32)), units(1, 1), units(5, 2)
    found = run(build_interaction_graph(weights, "d"), query, candidates)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-(2 * (candidates @ query[0]) - 0.5))), atol=1e-6)


def test_the_file_names_the_encoder_that_it_belongs_to(head_weights):
    graph = build_interaction_graph(head_weights(8), "0123")
    onnx.checker.check_model(graph)
    assert {one.key: one.value for one in graph.metadata_props} == {"encoder_digest": "0123"}
