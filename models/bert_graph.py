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

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from models.errors import CheckpointError
from models.int8_graph import embedded_tokens, product_by_token, smoothed
from models.message import Message
from models.onnx_graph import OnnxGraph, Tensors
from models.types import Pooling

_OPSET = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
_IR_VERSION = 8  # what opset 17 came with: read by every onnxruntime since 1.12

KEPT_IN_FP32 = ("pooler.dense.product", "classifier.product")
"""Names of the nodes that quantisation leaves as they are."""


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
    config: BertConfig, tensors: Tensors, pooling: Pooling, *, for_int8: bool, channel_sizes: Tensors | None = None
) -> onnx.ModelProto:
    """Build the graph of a Siamese encoder.

    `tensors` are those of a transformers `BertModel` (names without a `bert.` prefix). With `for_int8` the graph is
    the same function, prepared for dynamic quantisation by models/int8_graph.py: the token table is int8, the products
    of the feed-forward part have one scale a token, and those whose input has its largest values a channel in
    `channel_sizes`, as `measure_channels` gives them, are smoothed.
    """
    graph = _BertGraph(config, tensors, channel_sizes, for_int8=for_int8)
    graph.sentence_embedding(graph.layers(graph.embeddings()), pooling)
    return graph.finish("sentence_encoder", ["input_ids"], ("embedding", config.hidden_size))


def build_reranker_graph(
    config: BertConfig, tensors: Tensors, *, for_int8: bool, channel_sizes: Tensors | None = None
) -> onnx.ModelProto:
    """Build the graph of a cross-encoder.

    `tensors` are those of a transformers `BertForSequenceClassification` of one label (names without a `bert.`
    prefix), with or without its pooler. `for_int8` and `channel_sizes` as `build_encoder_graph`; pooler and classifier,
    which see one token alone, stay in fp32.
    """
    graph = _BertGraph(config, tensors, channel_sizes, for_int8=for_int8)
    graph.classifier(graph.layers(graph.embeddings(of_pairs=True)))
    return graph.finish("cross_encoder", ["input_ids", "token_type_ids"], ("logit", 1))


def inputs_to_smooth(config: BertConfig) -> list[str]:
    """Give the names, in the graph, of what its large products read; those of one name read the same."""
    layers = [f"encoder.layer.{layer}." for layer in range(config.num_hidden_layers)]
    ends = [f"{prefix}{name}" for prefix in layers for name in ("attention.output.norm", "gelu", "output.norm")]
    return ["hidden.0", *ends[:-1]]  # the last layer's end is only pooled


class _BertGraph(OnnxGraph):
    """Each method adds one part and gives the name of its output."""

    def __init__(
        self, config: BertConfig, tensors: Tensors, channel_sizes: Tensors | None = None, *, for_int8: bool
    ) -> None:
        super().__init__(tensors)
        self.config = config
        self.for_int8 = for_int8
        self.channel_sizes = channel_sizes or {}

    def embeddings(self, *, of_pairs: bool = False) -> str:
        """Sum of token, position and type embeddings, normalised: (1, n, hidden); the type is constant but in pairs."""
        tokens = self.tensor("embeddings.word_embeddings.weight")
        positions = self.tensor("embeddings.position_embeddings.weight")
        types = self.tensor("embeddings.token_type_embeddings.weight")
        if not of_pairs:  # All texts are of type 0: its row is part of every position.
            positions = positions + types[0]
        if self.for_int8:
            embedded = embedded_tokens(self, tokens)
        else:
            embedded = self.node("Gather", [self.constant("tokens", tokens), "input_ids"], "tokens.embedded")
        shape = self.node("Shape", ["input_ids"], "length", start=1, end=2)
        window = [
            self.constant("positions", positions),
            self.constant("zero", np.array([0])),
            shape,
            self.constant("axis.0", np.array([0])),
        ]
        summed = self.node("Add", [embedded, self.node("Slice", window, "positions.used")], "embedded")
        if of_pairs:
            typed = self.node("Gather", [self.constant("types", types), "token_type_ids"], "types.embedded")
            summed = self.node("Add", [summed, typed], "embedded.typed")
        norm = [self.parameter("embeddings.LayerNorm.weight"), self.parameter("embeddings.LayerNorm.bias")]
        return self.node("LayerNormalization", [summed, *norm], "hidden.0", axis=-1, epsilon=self.config.layer_norm_eps)

    def layers(self, hidden: str) -> str:
        """All transformer layers: (1, n, hidden) to (1, n, hidden)."""
        for layer in range(self.config.num_hidden_layers):
            hidden = self.layer(hidden, f"encoder.layer.{layer}.")
        return hidden

    def layer(self, hidden: str, prefix: str) -> str:
        """One transformer layer, post-norm: (1, n, hidden) to (1, n, hidden)."""
        projections = [prefix + f"attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self.tensor(p + ".weight").T for p in projections], axis=1)
        bias = np.concatenate([self.tensor(p + ".bias") for p in projections])
        smooth, weight = self._smoothed(hidden, weight, prefix + "qkv")
        attended = self.node(
            "Attention",
            [smooth, self.constant(prefix + "qkv.weight", weight), self.constant(prefix + "qkv.bias", bias)],
            prefix + "attended",
            domain="com.microsoft",
            num_heads=self.config.num_attention_heads,
        )
        hidden = self._add_and_norm(
            self._product(attended, prefix + "attention.output.dense"), hidden, prefix + "attention.output"
        )
        inner = self._product_by_token(hidden, prefix + "intermediate.dense")
        inner = self.node(
            "BiasGelu",
            [inner, self.parameter(prefix + "intermediate.dense.bias")],
            prefix + "gelu",
            domain="com.microsoft",
        )
        return self._add_and_norm(self._product_by_token(inner, prefix + "output.dense"), hidden, prefix + "output")

    def sentence_embedding(self, hidden: str, pooling: Pooling) -> None:
        """Pool the last hidden states over the text and scale to unit norm: the output `embedding`."""
        if pooling == "mean":
            pooled = self.node("ReduceMean", [hidden], "pooled", axes=[1], keepdims=0)
        else:
            pooled = self.node("Gather", [hidden, self.constant("cls", np.array(0))], "pooled", axis=1)
        self.node("LpNormalization", [pooled], "embedding", axis=-1, p=2)

    def classifier(self, hidden: str) -> None:
        """Pooler, where there is one, and classifier over the first token: the output `logit`."""
        first = self.node("Gather", [hidden, self.constant("cls", np.array(0))], "first", axis=1)
        if "pooler.dense.weight" in self.tensors:
            first = self.node("Tanh", [self._linear(first, "pooler.dense", "pooler")], "pooled")
        outputs = len(self.tensor("classifier.weight"))
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
        norm = [self.parameter(f"{prefix}.LayerNorm.weight"), self.parameter(f"{prefix}.LayerNorm.bias")]
        bias = self.parameter(f"{prefix}.dense.bias")
        return self.node(
            "SkipLayerNormalization",
            [inner, residual, *norm, bias],
            prefix + ".norm",
            domain="com.microsoft",
            epsilon=self.config.layer_norm_eps,
        )

    def _linear(self, hidden: str, prefix: str, output: str) -> str:
        """A layer over one row, (1, in) to (1, out)."""
        return self.node("Add", [self._product(hidden, prefix), self.parameter(f"{prefix}.bias")], output)

    def _product(self, hidden: str, prefix: str) -> str:
        return self.product(hidden, self.tensor(prefix + ".weight").T, prefix)

    def _product_by_token(self, hidden: str, prefix: str) -> str:
        if not self.for_int8:
            return self._product(hidden, prefix)
        hidden, weight = self._smoothed(hidden, self.tensor(prefix + ".weight").T, prefix)
        return product_by_token(self, hidden, weight, prefix)

    def _smoothed(self, hidden: str, weight: NDArray[np.float32], prefix: str) -> tuple[str, NDArray[np.float32]]:
        sizes = self.channel_sizes.get(hidden)
        if not self.for_int8 or sizes is None:
            return hidden, weight
        return smoothed(self, hidden, weight, sizes, prefix)
