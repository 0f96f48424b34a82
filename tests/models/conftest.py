"""The shipped encoder, and a BERT small enough to be made in a test."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel

from models import directory
from models.directory import PRETRAINED
from models.encoder import OnnxEncoder
from models.interaction_graph import InteractionWeights
from models.onnx_session import one_thread_options
from models.reranker import OnnxReranker
from models.types import EncoderSpec, RerankerSpec

SHIPPED = PRETRAINED / "question-encoder-zh-en"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = (*SPECIAL, "how", "do", "i", "reset", "my", "password", "where", "is", "the", "parcel")


@pytest.fixture(scope="session")
def shipped_directory() -> Path:
    return SHIPPED


@pytest.fixture(scope="session")
def shipped_encoder() -> OnnxEncoder:
    return OnnxEncoder.open(SHIPPED)


@pytest.fixture(scope="session")
def words() -> tuple[str, ...]:
    return WORDS


def make_tokenizer() -> Tokenizer:
    """A tokenizer of whole words; a text is read between [CLS] and [SEP], a pair with one more [SEP] between them."""
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


@pytest.fixture
def tokenizer() -> Tokenizer:
    return make_tokenizer()


@pytest.fixture(scope="session")
def table() -> np.ndarray:
    """A row a word, of very different directions."""
    return np.random.default_rng(7).normal(size=(len(WORDS), 8)).astype(np.float32)


@pytest.fixture
def tiny_network():
    """Make a network that takes the mean of its tokens' rows, scaled to unit norm or left as it is."""

    def make(rows: np.ndarray, *, unit: bool = True) -> bytes:
        last = "LpNormalization" if unit else "Identity"
        nodes = [
            helper.make_node("Gather", ["rows", "input_ids"], ["hidden"]),
            helper.make_node("ReduceMean", ["hidden"], ["mean"], axes=[1], keepdims=0),
            helper.make_node(last, ["mean"], ["embedding"], **({"axis": -1, "p": 2} if unit else {})),
        ]
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, rows.shape[1]])],
            [numpy_helper.from_array(rows, "rows")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return model.SerializeToString()

    return make


@pytest.fixture
def tiny_encoder(tiny_network, table, tokenizer):
    """Make an encoder over `tiny_network`."""

    def make(rows=table, *, unit=True, max_tokens=8, prefix="", threads=1) -> OnnxEncoder:
        spec = EncoderSpec(
            name="tiny",
            digest="0123456789abcdef" * 4,
            dim=rows.shape[1],
            pooling="mean",
            max_tokens=max_tokens,
            languages=("en",),
            prefixes={"question": prefix, "answer": "the "},
        )
        session = onnxruntime.InferenceSession(tiny_network(rows, unit=unit), one_thread_options())
        return OnnxEncoder(spec, session, tokenizer, threads)

    return make


@pytest.fixture
def encoder_directory(tmp_path, tiny_network, tokenizer):
    """Make the whole model directory of a tiny encoder, once for each width of its vectors."""

    def make(dim: int) -> Path:
        folder = tmp_path / f"tiny-{dim}"
        if folder.exists():
            return folder
        folder.mkdir()
        rows = np.random.default_rng(7).normal(size=(len(WORDS), dim)).astype(np.float32)
        (folder / "model.onnx").write_bytes(tiny_network(rows))
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "confidence.json").write_text("{}")
        (folder / "card.md").write_text("# tiny\n")
        prefixes = {"question": "", "answer": ""}
        files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
        spec = EncoderSpec(
            name="tiny",
            digest=directory.compute_digest(files, "mean", prefixes, 8),
            dim=dim,
            pooling="mean",
            max_tokens=8,
            languages=("en",),
            prefixes=prefixes,
        )
        directory.write_spec(folder, spec)
        return folder

    return make


@pytest.fixture
def head_weights():
    """Make the random weights of an interaction head, all of which matter."""

    def make(dim: int, *, product: bool = False, **fields):
        random = np.random.default_rng(11)
        values = {
            "hidden": random.normal(size=(16, 2 * dim if product else dim)),
            "hidden_bias": random.normal(size=16),
            "output": random.normal(size=16) / 4,
        }
        arrays = {name: value.astype(np.float32) for name, value in values.items()}
        return InteractionWeights(**arrays | {"cosine_slope": 2.0, "intercept": -0.5, "dim": dim} | fields)

    return make


def tiny_config(**more):
    """2 layers of 32, 40 positions; its random weights are large enough to matter."""
    from transformers import BertConfig  # here, because it takes seconds that most tests of this floor do without

    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
        initializer_range=0.3,
        layer_norm_eps=1e-6,
        **more,
    )


@pytest.fixture(scope="session")
def bert():
    """A random BertModel."""
    import torch
    from transformers import BertModel

    torch.manual_seed(3)
    return BertModel(tiny_config(), add_pooling_layer=False).eval()


@pytest.fixture(scope="session")
def pair_bert():
    """A random BertForSequenceClassification of one label, whose logits lie on both sides of 0."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(3)
    model = BertForSequenceClassification(tiny_config(num_labels=1)).eval()
    torch.nn.init.constant_(model.classifier.bias, -1.5)
    return model


@pytest.fixture
def checkpoint(tmp_path, bert) -> Path:
    """The folder that `save_pretrained` gives for it, with its tokenizer."""
    folder = tmp_path / "checkpoint"
    bert.save_pretrained(folder)
    make_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def pair_checkpoint(tmp_path, pair_bert) -> Path:
    """The folder that `save_pretrained` gives for a cross-encoder, with its tokenizer."""
    folder = tmp_path / "pair_checkpoint"
    pair_bert.save_pretrained(folder)
    make_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def reranker_spec():
    """Make the spec of a reranker."""

    def make(**fields) -> RerankerSpec:
        values = {"name": "tiny", "digest": "0123456789abcdef" * 4, "max_tokens": 40, "languages": ("en",)}
        return RerankerSpec(**values | {"temperature": 1.0, "both_directions": False} | fields)

    return make


@pytest.fixture
def pair_graph(pair_bert):
    """Make its graph."""
    from models.bert_graph import BertConfig, build_reranker_graph

    def make(*, for_int8: bool = False):
        config = BertConfig.from_json(pair_bert.config.to_dict())
        tensors = {name.removeprefix("bert."): tensor.numpy() for name, tensor in pair_bert.state_dict().items()}
        return build_reranker_graph(config, tensors, for_int8=for_int8)

    return make


@pytest.fixture
def tiny_reranker(pair_graph, tokenizer, reranker_spec):
    """Make a reranker over it, in fp32."""

    def make(threads=1, **fields) -> OnnxReranker:
        session = onnxruntime.InferenceSession(pair_graph().SerializeToString(), one_thread_options())
        return OnnxReranker(reranker_spec(**fields), session, tokenizer, threads)

    return make
