"""Networks of two layers, and a form that knows what it is told."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, processors

from models import directory
from models.bert_graph import build_encoder_graph
from models.checkpoint import read_checkpoint
from models.interaction_graph import InteractionWeights, build_interaction_graph
from models.quantisation import quantise, read_tensors
from models.types import EncoderSpec

WIDTH, POSITIONS = 32, 64
PREFIX = "where is "


def save_random_bert(folder: Path, tokenizer: Tokenizer, *, of_pairs: bool, layers: int = 2) -> Path:
    """Save a BERT whose random weights are large enough to matter, as the transformers library does."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=POSITIONS,
        initializer_range=0.3,
        num_labels=1 if of_pairs else 2,
    )
    (BertForSequenceClassification if of_pairs else BertModel)(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def pair_tokenizer(tokenizer) -> Tokenizer:
    """That of all benchmarks, with [SEP] between the texts of a pair."""
    own = Tokenizer.from_str(tokenizer.to_str())
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return own


@pytest.fixture(scope="session")
def encoder_checkpoint(tmp_path_factory, pair_tokenizer) -> Path:
    folder = save_random_bert(tmp_path_factory.mktemp("encoder") / "checkpoint", pair_tokenizer, of_pairs=False)
    (folder / "config_sentence_transformers.json").write_text(f'{{"prompts": {{"query": "{PREFIX}"}}}}')
    return folder


@pytest.fixture(scope="session")
def reranker_checkpoint(tmp_path_factory, pair_tokenizer) -> Path:
    return save_random_bert(tmp_path_factory.mktemp("reranker") / "checkpoint", pair_tokenizer, of_pairs=True)


@pytest.fixture(scope="session")
def bert_encoder(tmp_path_factory, encoder_checkpoint) -> Path:
    """The model directory of the encoder's checkpoint, in int8. To look at, not to change."""
    scratch = tmp_path_factory.mktemp("bert")
    folder = scratch / "tiny-bert"
    folder.mkdir()
    checkpoint = read_checkpoint(encoder_checkpoint)
    graph = build_encoder_graph(checkpoint.config, read_tensors(encoder_checkpoint), "mean", for_int8=True)
    quantise(graph, folder / "model.onnx", scratch)
    shutil.copyfile(encoder_checkpoint / "tokenizer.json", folder / "tokenizer.json")
    (folder / "confidence.json").write_text("{}")
    (folder / "card.md").write_text("tiny\n")
    files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    prefixes = {"question": PREFIX, "answer": ""}
    spec = EncoderSpec(
        name="tiny-bert",
        digest=directory.compute_digest(files, "mean", prefixes, 48),
        dim=WIDTH,
        pooling="mean",
        max_tokens=48,
        languages=("zh", "en"),
        prefixes=prefixes,
    )
    directory.write_spec(folder, spec)
    return folder


@pytest.fixture(scope="session")
def add_head(tmp_path_factory, bert_encoder):
    """Make a copy of the encoder with an interaction head, whose weights are drawn at random, of so many features."""

    def make(features: int = 2) -> Path:
        folder = tmp_path_factory.mktemp("head") / "tiny-bert"
        shutil.copytree(bert_encoder, folder)
        spec = directory.open_directory(bert_encoder).spec
        random = np.random.default_rng(5)
        weights = InteractionWeights(
            hidden=random.normal(size=(8, features * WIDTH)).astype(np.float32),
            hidden_bias=random.normal(size=8).astype(np.float32),
            output=random.normal(size=8).astype(np.float32),
            cosine_slope=3.0,
            intercept=-0.5,
            dim=WIDTH,
        )
        network = build_interaction_graph(weights, spec.digest, temperature=1.5)
        (folder / "interaction.onnx").write_bytes(network.SerializeToString())
        directory.write_spec(folder, spec)
        return folder

    return make


@pytest.fixture(scope="session")
def encoder_with_head(add_head) -> Path:
    return add_head()


@dataclass
class PlantedForm:
    """Gives what was planted, and remembers what it was asked."""

    vectors: dict[str, tuple[float, ...]]
    judgement: dict[tuple[str, str], float] = field(default_factory=dict)
    encoded: list[str] = field(default_factory=list)
    judged: list[tuple[str, str]] = field(default_factory=list)

    def encode(self, texts):
        self.encoded += texts
        return np.array([self.vectors[text] for text in texts], np.float32)

    def affinities(self, query, candidates):
        return (1 - candidates @ query).astype(np.float32)  # the least similar first

    def relevance(self, query, candidates):
        pairs = [(query, candidate) for candidate in candidates]
        self.judged += pairs
        return np.array([self.judgement[pair] for pair in pairs], np.float32)


@pytest.fixture
def planted_form():
    return PlantedForm


@pytest.fixture
def save_bert():
    return save_random_bert
