import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.int8_graph import embedded_tokens, product_by_token, smoothed
from models.onnx_graph import OnnxGraph
from models.quantisation import quantise

WEIGHT = np.random.default_rng(1).normal(size=(16, 8)).astype(np.float32)


@pytest.fixture
def graph():
    return OnnxGraph({})


def model_of(graph, output, given="hidden", kind=TensorProto.FLOAT, shape=(1, "n", 16)):
    made = helper.make_graph(
        graph.nodes,
        "part",
        [helper.make_tensor_value_info(given, kind, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        graph.initializers,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model, **inputs):
    content = model if isinstance(model, str) else model.SerializeToString()
    return onnxruntime.InferenceSession(content).run(None, inputs)[0]


@pytest.fixture
def run_in_int8(tmp_path):
    def run_in_int8(model, **inputs):
        quantise(model, tmp_path / "int8.onnx", tmp_path)
        return run(str(tmp_path / "int8.onnx"), **inputs)

    return run_in_int8


def test_a_table_of_int8_gives_each_row_to_one_part_in_127_of_its_own_largest_value(graph):
    table = (WEIGHT * np.logspace(-3, 3, 16)[:, None]).astype(np.float32)
    table[3] = 0
    output = embedded_tokens(graph, table)
    ids = np.array([[0, 15, 3, 3, 7]])
    found = run(model_of(graph, output, "input_ids", TensorProto.INT64, (1, "n")), input_ids=ids)
    largest = np.abs(table[ids]).max(axis=2, keepdims=True)
    assert (np.abs(found - table[ids]) <= largest * 0.501 / 127).all()
    assert {one.data_type for one in graph.initializers if one.name == "tokens.int8"} == {TensorProto.INT8}


def test_a_large_token_takes_nothing_from_the_others_in_int8(graph, run_in_int8):
    hidden = np.random.default_rng(2).normal(size=(1, 4, 16)).astype(np.float32)
    hidden[0, 0] *= 1000
    model = model_of(graph, product_by_token(graph, "hidden", WEIGHT, "dense"))
    np.testing.assert_allclose(run(model, hidden=hidden), hidden @ WEIGHT, rtol=1e-3, atol=1e-4)
    plain = OnnxGraph({})
    plain_model = model_of(plain, plain.product("hidden", WEIGHT, "dense"))
    losses = [np.abs(run_in_int8(one, hidden=hidden) - hidden @ WEIGHT)[0, 1:].max() for one in (model, plain_model)]
    assert losses[0] < 0.2
    assert losses[1] > 2


def test_the_sizes_are_shared_between_channels_and_weights_and_the_product_stays_the_same(graph):
    hidden = (np.random.default_rng(3).normal(size=(1, 5, 16)) * np.logspace(-2, 2, 16)).astype(np.float32)
    sizes = np.abs(hidden[0]).max(axis=0)
    smooth, weight = smoothed(graph, "hidden", WEIGHT, sizes, "dense")
    model = model_of(graph, graph.product(smooth, weight, "dense"))
    np.testing.assert_allclose(run(model, hidden=hidden), hidden @ WEIGHT, rtol=1e-3, atol=1e-3)
    inverse = next(numpy_helper.to_array(one) for one in graph.initializers if one.name == "dense.inverse_scales")
    np.testing.assert_allclose(inverse, np.sqrt(np.abs(WEIGHT).max(axis=1) / sizes), rtol=1e-4)
    np.testing.assert_allclose(sizes * inverse, np.abs(weight).max(axis=1), rtol=1e-4)


def test_a_channel_that_is_never_used_on_either_side_smooths_to_finite_numbers(graph):
    weight = WEIGHT.copy()
    weight[0] = 0
    sizes = np.array([0, 0, *[1.0] * 14], np.float32)
    _, shared = smoothed(graph, "hidden", weight, sizes, "dense")
    (inverse,) = map(numpy_helper.to_array, graph.initializers)
    assert np.isfinite(shared).all()
    assert np.isfinite(inverse).all()


def test_a_large_channel_takes_nothing_from_the_others_once_it_is_smoothed(graph, run_in_int8):
    hidden = np.random.default_rng(4).normal(size=(1, 4, 16)).astype(np.float32)
    hidden[..., 5] *= 1000
    weight = WEIGHT.copy()
    weight[5] /= 1000
    smooth, shared = smoothed(graph, "hidden", weight, np.abs(hidden[0]).max(axis=0), "dense")
    plain = OnnxGraph({})
    models: list[onnx.ModelProto] = [
        model_of(graph, graph.product(smooth, shared, "dense")),
        model_of(plain, plain.product("hidden", weight, "dense")),
    ]
    losses = [np.abs(run_in_int8(model, hidden=hidden) - hidden @ weight).max() for model in models]
    assert losses[0] < 0.3
    assert losses[1] > 2
