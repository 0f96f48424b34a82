"""A BERT encoder as an ONNX graph of fused operators, built from a checkpoint's tensors.

The network is BERT (Devlin et al., arXiv:1810.04805) with a sentence embedding on top (Sentence-BERT,
arXiv:1908.10084, section 3). One text per run: the batch dimension is always 1, so there is no padding, no
attention mask and no difference between a text alone and a text in bulk.

    input_ids (1, n) int64  ->  embedding (1, dim) float32, unit L2 norm
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.errors import CheckpointError
from models.message import Message
from models.types import Pooling

_OPSET = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
_IR_VERSION = 8  # what opset 17 came with: read by every onnxruntime since 1.12

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """The part of a transformers `config.json` that shapes the graph."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    layer_norm_eps: float
    max_position_embeddings: int

    @classmethod
    def from_json(cls, config: Mapping[str, object]) -> "BertConfig":
        """Read a transformers config; CheckpointError names what this graph cannot express."""
        required = {
            "model_type": "bert",
            "hidden_act": "gelu",
            "position_embedding_type": "absolute",
            "is_decoder": False,
        }
        for name, value in required.items():
            if config.get(name, value) != value:
                raise CheckpointError(
                    Message(
                        "config.json: {name} is {found!r}, only {needed!r} can be converted",
                        name=name,
                        found=config[name],
                        needed=value,
                    )
                )
        try:
            return cls(**{name: config[name] for name in cls.__dataclass_fields__})  # type: ignore[arg-type]
        except KeyError as missing:
            raise CheckpointError(Message("config.json: {name} is missing", name=missing.args[0])) from missing


def build_encoder_graph(config: BertConfig, tensors: Tensors, pooling: Pooling, *, for_int8: bool) -> onnx.ModelProto:
    """Build the graph of a Siamese encoder.

    `tensors` are those of a transformers `BertModel` (names without a `bert.` prefix). With `for_int8` the graph is
    the same function, prepared for dynamic quantisation: the token table is int8 with one scale a row, and the two
    products of the feed-forward part see each token divided by its largest value. The first and last token of a text
    are ten times larger there than the others and would take their precision; one scale a token (ZeroQuant,
    arXiv:2206.01861, section 3.2) brings the loss of hit@1 below what the development sets can show.
    """
    graph = _Graph(config, tensors, for_int8=for_int8)
    hidden = graph.embeddings()
    for layer in range(config.num_hidden_layers):
        hidden = graph.layer(hidden, f"encoder.layer.{layer}.")
    graph.sentence_embedding(hidden, pooling)
    return graph.finish()


class _Graph:
    """Collects nodes and initializers; each method adds one part and gives the name of its output."""

    def __init__(self, config: BertConfig, tensors: Tensors, *, for_int8: bool) -> None:
        self.config = config
        self.for_int8 = for_int8
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def embeddings(self) -> str:
        """Sum of token, position and (constant) type embeddings, normalised: (1, n, hidden)."""
        tokens = self._tensor("embeddings.word_embeddings.weight")
        # All texts are of type 0: its row is part of every position.
        positions = self._tensor("embeddings.position_embeddings.weight")
        positions = positions + self._tensor("embeddings.token_type_embeddings.weight")[0]
        if self.for_int8:
            scales = np.maximum(np.abs(tokens).max(axis=1, keepdims=True) / 127, np.finfo(np.float32).tiny)
            table = self._constant("tokens.int8", np.rint(tokens / scales).astype(np.int8))
            narrow = self._node("Gather", [table, "input_ids"], "tokens.narrow")
            wide = self._node("Cast", [narrow], "tokens.wide", to=TensorProto.FLOAT)
            scale = self._node(
                "Gather", [self._constant("tokens.scale", scales.astype(np.float32)), "input_ids"], "tokens.row_scale"
            )
            embedded = self._node("Mul", [wide, scale], "tokens.embedded")
        else:
            embedded = self._node("Gather", [self._constant("tokens", tokens), "input_ids"], "tokens.embedded")
        shape = self._node("Shape", ["input_ids"], "length", start=1, end=2)
        window = [
            self._constant("positions", positions),
            self._constant("zero", np.array([0])),
            shape,
            self._constant("axis.0", np.array([0])),
        ]
        summed = self._node("Add", [embedded, self._node("Slice", window, "positions.used")], "embedded")
        norm = [self._parameter("embeddings.LayerNorm.weight"), self._parameter("embeddings.LayerNorm.bias")]
        return self._node(
            "LayerNormalization", [summed, *norm], "hidden.0", axis=-1, epsilon=self.config.layer_norm_eps
        )

    def layer(self, hidden: str, prefix: str) -> str:
        """One transformer layer, post-norm: (1, n, hidden) to (1, n, hidden)."""
        projections = [prefix + f"attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._tensor(p + ".weight").T for p in projections], axis=1)
        bias = np.concatenate([self._tensor(p + ".bias") for p in projections])
        attended = self._node(
            "Attention",
            [hidden, self._constant(prefix + "qkv.weight", weight), self._constant(prefix + "qkv.bias", bias)],
            prefix + "attended",
            domain="com.microsoft",
            num_heads=self.config.num_attention_heads,
        )
        hidden = self._add_and_norm(
            self._matmul(attended, prefix + "attention.output.dense"), hidden, prefix + "attention.output"
        )
        inner = self._matmul_by_token(hidden, prefix + "intermediate.dense")
        inner = self._node(
            "BiasGelu",
            [inner, self._parameter(prefix + "intermediate.dense.bias")],
            prefix + "gelu",
            domain="com.microsoft",
        )
        return self._add_and_norm(self._matmul_by_token(inner, prefix + "output.dense"), hidden, prefix + "output")

    def sentence_embedding(self, hidden: str, pooling: Pooling) -> None:
        """Pool the last hidden states over the text and scale to unit norm: the output `embedding`."""
        if pooling == "mean":
            pooled = self._node("ReduceMean", [hidden], "pooled", axes=[1], keepdims=0)
        else:
            pooled = self._node("Gather", [hidden, self._constant("cls", np.array(0))], "pooled", axis=1)
        self._node("LpNormalization", [pooled], "embedding", axis=-1, p=2)

    def finish(self) -> onnx.ModelProto:
        """Give the checked model."""
        graph = helper.make_graph(
            self.nodes,
            "sentence_encoder",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, self.config.hidden_size])],
            self.initializers,
        )
        return helper.make_model(graph, opset_imports=_OPSET, ir_version=_IR_VERSION, producer_name="faqmatch")

    def _add_and_norm(self, inner: str, residual: str, prefix: str) -> str:
        norm = [self._parameter(f"{prefix}.LayerNorm.weight"), self._parameter(f"{prefix}.LayerNorm.bias")]
        bias = self._parameter(f"{prefix}.dense.bias")
        return self._node(
            "SkipLayerNormalization",
            [inner, residual, *norm, bias],
            prefix + ".norm",
            domain="com.microsoft",
            epsilon=self.config.layer_norm_eps,
        )

    def _matmul(self, hidden: str, prefix: str) -> str:
        weight = self._constant(prefix + ".weight", self._tensor(prefix + ".weight").T)
        return self._node("MatMul", [hidden, weight], prefix + ".product")

    def _matmul_by_token(self, hidden: str, prefix: str) -> str:
        if not self.for_int8:
            return self._matmul(hidden, prefix)
        size = self._node("Abs", [hidden], prefix + ".size")
        largest = self._node("ReduceMax", [size], prefix + ".largest", axes=[-1], keepdims=1)
        product = self._matmul(self._node("Div", [hidden, largest], prefix + ".scaled"), prefix)
        return self._node("Mul", [product, largest], prefix + ".restored")

    def _parameter(self, name: str) -> str:
        return self._constant(name, self._tensor(name))

    def _tensor(self, name: str) -> NDArray[np.float32]:
        try:
            return np.asarray(self.tensors[name], dtype=np.float32)
        except KeyError:
            raise CheckpointError(
                Message("model.safetensors: the tensor {name} of a BertModel is missing", name=name)
            ) from None

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output
