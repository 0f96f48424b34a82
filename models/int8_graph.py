"""Parts of a graph that is to become int8: the functions of fp32, written so that rounding takes less from them.

Dynamic quantisation gives a weight one scale a channel, but what the weight is multiplied by one scale a run: there one
large value takes the precision of all others.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from models.onnx_graph import OnnxGraph


def embedded_tokens(graph: OnnxGraph, table: NDArray[np.float32]) -> str:
    """Look `input_ids`, (1, n), up in a table that is int8 with one scale a row: (1, n, width)."""
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, np.finfo(np.float32).tiny)
    rows = graph.constant("tokens.int8", np.rint(table / scales).astype(np.int8))
    narrow = graph.node("Gather", [rows, "input_ids"], "tokens.narrow")
    wide = graph.node("Cast", [narrow], "tokens.wide", to=TensorProto.FLOAT)
    scale_of_row = graph.constant("tokens.scale", scales.astype(np.float32))
    scale = graph.node("Gather", [scale_of_row, "input_ids"], "tokens.row_scale")
    return graph.node("Mul", [wide, scale], "tokens.embedded")


def product_by_token(graph: OnnxGraph, hidden: str, weight: NDArray[np.float32], prefix: str) -> str:
    """Multiply (1, n, in) by a weight, (in, out), each token divided by its largest value meanwhile.

    The first and last token of a text are ten times larger than the others in the feed-forward part. One scale a token
    (ZeroQuant, arXiv:2206.01861, section 3.2) brings the loss of hit@1 below what the development sets can show.
    """
    size = graph.node("Abs", [hidden], prefix + ".size")
    largest = graph.node("ReduceMax", [size], prefix + ".largest", axes=[-1], keepdims=1)
    product = graph.product(graph.node("Div", [hidden, largest], prefix + ".scaled"), weight, prefix)
    return graph.node("Mul", [product, largest], prefix + ".restored")


def smoothed(
    graph: OnnxGraph, hidden: str, weight: NDArray[np.float32], sizes: NDArray[np.float32], prefix: str
) -> tuple[str, NDArray[np.float32]]:
    """Share the sizes of the channels between the input of a product and its weight, (in, out); give both.

    `sizes`, (in,), are the largest values of the channels as `measure_channels` finds them. A channel is divided by a
    scale, and its row of the weight multiplied by it, so that both are of one size then (SmoothQuant, arXiv:2211.10438,
    equation 4 with alpha 0.5).
    """
    least = np.finfo(np.float32).eps
    scales = np.sqrt(np.maximum(sizes, least) / np.maximum(np.abs(weight).max(axis=1), least))
    inverse = graph.constant(prefix + ".inverse_scales", (1 / scales).astype(np.float32))
    return graph.node("Mul", [hidden, inverse], prefix + ".smooth"), weight * scales[:, None].astype(np.float32)
