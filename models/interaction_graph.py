"""The interaction head as an ONNX graph, built from its weights.

Both vectors meet in |u-v| and u*v, which do not know which is which (InferSent, arXiv:1705.02364, section 3.2, without
its u and v, which do); one hidden layer reads the first, or both. The cosine, the sum of u*v, goes on beside it:

    logit = cosine_slope * cosine + intercept + output . relu(hidden [|u-v|, u*v] + hidden_bias)
    affinity = sigmoid(logit / temperature)
"""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.interaction import ENCODER_DIGEST

_OPSET = [helper.make_opsetid("", 17)]
_IR_VERSION = 8  # as in models/bert_graph.py


@dataclass(frozen=True, kw_only=True)
class InteractionWeights:
    """What the head has learnt, in float32."""

    hidden: NDArray[np.float32]
    """(width, dim) over |u-v|, or (width, 2 * dim) over |u-v| and then u*v."""
    hidden_bias: NDArray[np.float32]
    """(width,)"""
    output: NDArray[np.float32]
    """(width,)"""
    cosine_slope: float
    intercept: float
    dim: int
    """Of the vectors."""


def build_interaction_graph(
    weights: InteractionWeights, encoder_digest: str, temperature: float = 1.0
) -> onnx.ModelProto:
    """Build the graph: query (1, dim) and candidates (n, dim) to affinity (n,)."""
    scale = np.float32(1 / temperature)  # of everything behind the hidden layer
    constants = {
        "hidden": weights.hidden.T,
        "hidden_bias": weights.hidden_bias,
        "output": weights.output[:, None] * scale,
        "cosine_slope": np.float32(weights.cosine_slope) * scale,
        "intercept": np.float32(weights.intercept) * scale,
        "last_axis": np.array([1]),
    }
    nodes = [
        helper.make_node("Mul", ["query", "candidates"], ["product"]),
        helper.make_node("Sub", ["query", "candidates"], ["signed_difference"]),
        helper.make_node("Abs", ["signed_difference"], ["difference"]),
        _features_of(weights),
        helper.make_node("Gemm", ["features", "hidden", "hidden_bias"], ["read"]),
        helper.make_node("Relu", ["read"], ["active"]),
        helper.make_node("MatMul", ["active", "output"], ["learnt"]),
        helper.make_node("ReduceSum", ["product", "last_axis"], ["cosine"], keepdims=1),
        helper.make_node("Mul", ["cosine", "cosine_slope"], ["cosine_part"]),
        helper.make_node("Add", ["learnt", "cosine_part"], ["both"]),
        helper.make_node("Add", ["both", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
        helper.make_node("Squeeze", ["probability", "last_axis"], ["affinity"]),
    ]
    graph = helper.make_graph(
        nodes,
        "interaction_head",
        [
            helper.make_tensor_value_info("query", TensorProto.FLOAT, [1, weights.dim]),
            helper.make_tensor_value_info("candidates", TensorProto.FLOAT, ["n", weights.dim]),
        ],
        [helper.make_tensor_value_info("affinity", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.asarray(value, order="C"), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=_OPSET, ir_version=_IR_VERSION, producer_name="faqmatch")
    helper.set_model_props(model, {ENCODER_DIGEST: encoder_digest})
    return model


def _features_of(weights: InteractionWeights) -> onnx.NodeProto:
    if weights.hidden.shape[1] == weights.dim:
        return helper.make_node("Identity", ["difference"], ["features"])
    return helper.make_node("Concat", ["difference", "product"], ["features"], axis=1)
