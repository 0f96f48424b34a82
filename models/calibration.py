"""How large the channels inside a network become on what it reads, which int8 wants to know."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

SAMPLES: Final = 300
"""Texts or pairs to measure on; more change the largest values no more."""


def measure_channels(
    graph: onnx.ModelProto, names: Sequence[str], read: Callable[[onnxruntime.InferenceSession], object]
) -> dict[str, NDArray[np.float32]]:
    """Give the largest absolute value of each channel, (width,), by name, over all that `read` runs.

    `graph` has one output. `read` is given a session of it, to read by it as the model will that is to serve.
    """
    session = _WatchedSession(graph, names)
    read(session)
    return session.largest


class _WatchedSession:
    """Runs as any session does, and gives what it watches behind the output."""

    def __init__(self, graph: onnx.ModelProto, names: Sequence[str]) -> None:
        watched = onnx.ModelProto()
        watched.CopyFrom(graph)
        watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
        self._session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
        self._names = names
        self.largest: dict[str, NDArray[np.float32]] = {}

    def run(self, outputs: None, inputs: Mapping[str, NDArray[np.int64]]) -> list[Any]:
        results: list[Any] = self._session.run(outputs, inputs)
        for name, (values,) in zip(self._names, results[1:], strict=True):
            sizes = np.abs(values).max(axis=0)
            self.largest[name] = np.maximum(self.largest[name], sizes) if name in self.largest else sizes
        return results
