"""Networks of a given shape whose weights are drawn by chance: how long one takes does not depend on its weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import onnx
import torch
import transformers
from tokenizers import Tokenizer

from benchmarks.circumstances import SEED
from benchmarks.errors import BenchmarkError

_TOKENS: Final = ("tokens.int8", "tokens")
"""Names of the token table in a graph for int8 and in one for fp32."""
_PADDING: Final = ("<pad>", "[PAD]")
_LIBRARY: Final[Any] = transformers  # whose own annotations are not strict


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """What the time of a BERT depends on."""

    vocabulary: int
    positions: int
    layers: int
    heads: int
    width: int
    inner: int
    """Width of the feed-forward part."""

    @classmethod
    def read(cls, network: Path) -> Self:
        """Read it off a graph that models/bert_graph.py made; BenchmarkError where it is another one."""
        graph = onnx.load(network).graph
        sizes = {one.name: list(one.dims) for one in graph.initializer}
        attentions = [node for node in graph.node if node.op_type in ("Attention", "QAttention")]
        try:
            vocabulary, width = next(sizes[name] for name in _TOKENS if name in sizes)
            return cls(
                vocabulary=vocabulary,
                positions=sizes["positions"][0],
                layers=len(attentions),
                heads=next(one.i for one in attentions[0].attribute if one.name == "num_heads"),
                width=width,
                inner=sizes["encoder.layer.0.intermediate.dense.bias"][0],
            )
        except (StopIteration, KeyError, IndexError, ValueError):
            raise BenchmarkError(f"{network}: is no BERT that faqmatch converted: its shape cannot be read") from None

    def __str__(self) -> str:
        return f"{self.layers} layers, {self.width} wide, {self.vocabulary:,} tokens"


def write_random_checkpoint(folder: Path, shape: NetworkShape, tokenizer_file: Path, *, of_pairs: bool) -> Path:
    """Write an encoder, or with `of_pairs` a cross-encoder, into `folder`, which is made, and give the folder."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    padding = next((token for token in _PADDING if tokenizer.token_to_id(token) is not None), None)
    if padding is None:
        raise BenchmarkError(f"{tokenizer_file}: has no token to pad with ({', '.join(_PADDING)})")
    config = _LIBRARY.BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        pad_token_id=tokenizer.token_to_id(padding),
        num_labels=1 if of_pairs else 2,
    )
    _LIBRARY.utils.logging.disable_progress_bar()
    torch.manual_seed(SEED)
    if of_pairs:
        network = _LIBRARY.BertForSequenceClassification(config)
    else:
        network = _LIBRARY.BertModel(config, add_pooling_layer=False)
    network.save_pretrained(folder)
    _LIBRARY.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=padding).save_pretrained(folder)
    return folder


def write_prefix(checkpoint: Path, prefix: str) -> None:
    """Note what the encoder puts in front of a query, where the sentence-transformers library notes it."""
    document = json.dumps({"prompts": {"query": prefix}})
    (checkpoint / "config_sentence_transformers.json").write_text(document, encoding="utf-8")
