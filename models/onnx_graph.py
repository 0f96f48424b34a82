"""An ONNX graph in the making, over the tensors of a checkpoint."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.errors import CheckpointError
from models.message import Message

Tensors = Mapping[str, NDArray[np.float32]]


class OnnxGraph:
    """Collects nodes and initializers; each method that adds something gives its name."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Give a tensor of the checkpoint; CheckpointError where it has none of this name."""
        try:
            return np.asarray(self.tensors[name], dtype=np.float32)
        except KeyError:
            raise CheckpointError(
                Message("model.safetensors: the tensor {name} of a BertModel is missing", name=name)
            ) from None

    def parameter(self, name: str) -> str:
        """Add a tensor of the checkpoint as it is."""
        return self.constant(name, self.tensor(name))

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Add an initializer."""
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401
        """Add a node, which is named as its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def product(self, hidden: str, weight: NDArray[np.float32], prefix: str) -> str:
        """Multiply rows, (..., in), by a weight, (in, out)."""
        return self.node("MatMul", [hidden, self.constant(prefix + ".weight", weight)], prefix + ".product")
