import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from models.errors import CheckpointError
from models.onnx_graph import OnnxGraph

WEIGHT = np.arange(6, dtype=np.float64).reshape(3, 2)


def test_what_was_added_runs_by_the_names_that_were_given():
    graph = OnnxGraph({"dense.bias": np.array([10, 20])})
    product = graph.product("rows", WEIGHT.astype(np.float32), "dense")
    output = graph.node("Add", [product, graph.parameter("dense.bias")], "moved")
    assert [node.name for node in graph.nodes] == ["dense.product", "moved"]
    model = helper.make_graph(
        graph.nodes,
        "sum",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, "n", 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        graph.initializers,
    )
    built = helper.make_model(model, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(built.SerializeToString())
    rows = np.array([[[1, 0, 0], [1, 2, 3]]], np.float32)
    np.testing.assert_array_equal(session.run(None, {"rows": rows})[0], rows @ WEIGHT + [10, 20])


def test_a_tensor_is_read_as_float32_and_a_missing_one_is_named():
    graph = OnnxGraph({"dense.weight": WEIGHT})
    assert graph.tensor("dense.weight").dtype == np.float32
    with pytest.raises(CheckpointError, match=r"the tensor dense\.bias of a BertModel is missing"):
        graph.parameter("dense.bias")
