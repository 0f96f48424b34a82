"""How large the channels inside a network become on real texts, which int8 wants to know."""

from collections.abc import Iterable, Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from tokenizers import Tokenizer


def measure_channels(
    graph: onnx.ModelProto, names: Sequence[str], tokenizer: Tokenizer, texts: Iterable[str], max_tokens: int
) -> dict[str, NDArray[np.float32]]:
    """Run an encoder's graph over texts; give the largest absolute value of each channel, (width,), by name."""
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    largest: dict[str, NDArray[np.float32]] = {}
    for text in texts:
        tokens = np.array([tokenizer.encode(text).ids[:max_tokens]], np.int64)
        for name, (values,) in zip(names, session.run(list(names), {"input_ids": tokens}), strict=True):
            sizes = np.abs(values).max(axis=0)
            largest[name] = np.maximum(largest[name], sizes) if name in largest else sizes
    return largest
