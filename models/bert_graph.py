"""A BERT encoder or reranker as an ONNX graph of fused operators, built from a checkpoint's tensors.

The network is BERT (Devlin et al., arXiv:1810.04805) with a sentence embedding on top (Sentence-BERT,
arXiv:1908.10084, section 3), or with a classifier of one output over a pair of texts (BERT, section 4.1). One text, or
one pair, per run: the batch dimension is always 1, so there is no padding, no attention mask and no difference between
a text alone and a text in bulk.

    input_ids (1, n) int64                  ->  embedding (1, dim) float32, unit L2 norm
    input_ids, token_type_ids (1, n) int64  ->  logit (1, 1) float32
"""

from collections.abc import Mapping, Sequence
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

KEPT_IN_FP32 = ("pooler.dense.product", "classifier.product")
"""Names of the nodes that quantisation leaves as they are."""

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


def build_encoder_graph(
    config: BertConfig,
    tensors: Tensors,
    pooling: Pooling,
    *,
    for_int8: bool,
    channel_sizes: Mapping[str, NDArray[np.float32]] | None = None,
) -> onnx.ModelProto:
    """Build the graph of a Siamese encoder.

    `tensors` are those of a transformers `BertModel` (names without a `bert.` prefix). With `for_int8` the graph is
    the same function, prepared for dynamic quantisation: the token table is int8 with one scale a row, and the two
    products of the feed-forward part see each token divided by its largest value. The first and last token of a text
    are ten times larger there than the others and would take their precision; one scale a token (ZeroQuant,
    arXiv:2206.01861, section 3.2) brings the loss of hit@1 below what the development sets can show.

    `channel_sizes`, the largest value of each channel of the products' inputs as `measure_channels` gives it, smooths
    them: a channel that is large is divided by a scale, and its row of the weights multiplied by it (SmoothQuant,
    arXiv:2211.10438, equation 4 with alpha 0.5).
    """
    graph = _Graph(config, tensors, for_int8=for_int8, channel_sizes=channel_sizes or {})
    graph.sentence_embedding(graph.layers(graph.embeddings()), pooling)
    return graph.finish("sentence_encoder", ["input_ids"], ("embedding", config.hidden_size))


def build_reranker_graph(config: BertConfig, tensors: Tensors, *, for_int8: bool) -> onnx.ModelProto:
    """Build the graph of a cross-encoder.

    `tensors` are those of a transformers `BertForSequenceClassification` of one label (names without a `bert.`
    prefix), with or without its pooler. `for_int8` as `build_encoder_graph`; pooler and classifier, which see one token
    alone, stay in fp32.
    """
    graph = _Graph(config, tensors, for_int8=for_int8)
    graph.classifier(graph.layers(graph.embeddings(of_pairs=True)))
    return graph.finish("cross_encoder", ["input_ids", "token_type_ids"], ("logit", 1))


def inputs_to_smooth(config: BertConfig) -> list[str]:
    """Give the names, in the graph, of what its large products read; those of one name read the same."""
    layers = [f"encoder.layer.{layer}." for layer in range(config.num_hidden_layers)]
    ends = [f"{prefix}{name}" for prefix in layers for name in ("attention.output.norm", "gelu", "output.norm")]
    return ["hidden.0", *ends[:-1]]  # the last layer's end is only pooled


class _Graph:
    """Collects nodes and initializers; each method adds one part and gives the name of its output."""

    def __init__(
        self, config: BertConfig, tensors: Tensors, *, for_int8: bool, channel_sizes: Tensors | None = None
    ) -> None:
        self.config = config
        self.for_int8 = for_int8
        self.channel_sizes = channel_sizes or {}
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def embeddings(self, *, of_pairs: bool = False) -> str:
        """Sum of token, position and type embeddings, normalised: (1, n, hidden); the type is constant but in pairs."""
        tokens = self._tensor("embeddings.word_embeddings.weight")
        positions = self._tensor("embeddings.position_embeddings.weight")
        types = self._tensor("embeddings.token_type_embeddings.weight")
        if not of_pairs:  # All texts are of type 0: its row is part of every position.
            positions = positions + types[0]
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
        if of_pairs:
            typed = self._node("Gather", [self._constant("types", types), "token_type_ids"], "types.embedded")
            summed = self._node("Add", [summed, typed], "embedded.typed")
        norm = [self._parameter("embeddings.LayerNorm.weight"), self._parameter("embeddings.LayerNorm.bias")]
        return self._node(
            "LayerNormalization", [summed, *norm], "hidden.0", axis=-1, epsilon=self.config.layer_norm_eps
        )

    def layers(self, hidden: str) -> str:
        """All transformer layers: (1, n, hidden) to (1, n, hidden)."""
        for layer in range(self.config.num_hidden_layers):
            hidden = self.layer(hidden, f"encoder.layer.{layer}.")
        return hidden

    def layer(self, hidden: str, prefix: str) -> str:
        """One transformer layer, post-norm: (1, n, hidden) to (1, n, hidden)."""
        projections = [prefix + f"attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._tensor(p + ".weight").T for p in projections], axis=1)
        bias = np.concatenate([self._tensor(p + ".bias") for p in projections])
        smooth, weight = self._smoothed(hidden, weight, prefix + "qkv")
        attended = self._node(
            "Attention",
            [smooth, self._constant(prefix + "qkv.weight", weight), self._constant(prefix + "qkv.bias", bias)],
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

    def classifier(self, hidden: str) -> None:
        """Pooler, where there is one, and classifier over the first token: the output `logit`."""
        first = self._node("Gather", [hidden, self._constant("cls", np.array(0))], "first", axis=1)
        if "pooler.dense.weight" in self.tensors:
            first = self._node("Tanh", [self._linear(first, "pooler.dense", "pooler")], "pooled")
        outputs = len(self._tensor("classifier.weight"))
        if outputs != 1:
            raise CheckpointError(
                Message("model.safetensors: the classifier has {count} outputs, one is needed", count=outputs)
            )
        self._linear(first, "classifier", "logit")

    def finish(self, name: str, inputs: Sequence[str], output: tuple[str, int]) -> onnx.ModelProto:
        """Give the model, of inputs (1, tokens) and a named output (1, width)."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(one, TensorProto.INT64, [1, "tokens"]) for one in inputs],
            [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, [1, output[1]])],
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

    def _linear(self, hidden: str, prefix: str, output: str) -> str:
        """A layer over one row, (1, in) to (1, out)."""
        return self._node("Add", [self._matmul(hidden, prefix), self._parameter(f"{prefix}.bias")], output)

    def _matmul(self, hidden: str, prefix: str, weight: NDArray[np.float32] | None = None) -> str:
        if weight is None:
            weight = self._tensor(prefix + ".weight").T
        return self._node("MatMul", [hidden, self._constant(prefix + ".weight", weight)], prefix + ".product")

    def _matmul_by_token(self, hidden: str, prefix: str) -> str:
        if not self.for_int8:
            return self._matmul(hidden, prefix)
        smooth, weight = self._smoothed(hidden, self._tensor(prefix + ".weight").T, prefix)
        size = self._node("Abs", [smooth], prefix + ".size")
        largest = self._node("ReduceMax", [size], prefix + ".largest", axes=[-1], keepdims=1)
        product = self._matmul(self._node("Div", [smooth, largest], prefix + ".scaled"), prefix, weight)
        return self._node("Mul", [product, largest], prefix + ".restored")

    def _smoothed(self, hidden: str, weight: NDArray[np.float32], prefix: str) -> tuple[str, NDArray[np.float32]]:
        """Give the input of a product and its weight, (in, out), with the sizes of the channels shared between them."""
        sizes = self.channel_sizes.get(hidden)
        if not self.for_int8 or sizes is None:
            return hidden, weight
        least = np.finfo(np.float32).eps
        scales = np.sqrt(np.maximum(sizes, least) / np.maximum(np.abs(weight).max(axis=1), least))
        inverse = self._constant(prefix + ".inverse_scales", (1 / scales).astype(np.float32))
        return self._node("Mul", [hidden, inverse], prefix + ".smooth"), weight * scales[:, None].astype(np.float32)

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
