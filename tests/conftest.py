"""Settings of the whole suite, and a reranker small enough to be made in a test."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel

from models import directory
from models.reranker_directory import compute_reranker_digest, write_reranker_spec
from models.types import RerankerSpec

CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?!.,'忘记密码怎么开发票重设包裹在哪"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
MOST_TOKENS = 96
WIDTH = 32


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped ({report.longrepr}): a skipped test is a failure here"
    return report


def random_tensors():
    """Those of a BERT of one layer that reads pairs; large enough that each text is told from the others."""
    random = np.random.default_rng(5)
    layer = "encoder.layer.0."
    attention = {f"{layer}attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
    shapes = {
        **attention,
        f"{layer}attention.output.dense": (WIDTH, WIDTH),
        f"{layer}intermediate.dense": (2 * WIDTH, WIDTH),
        f"{layer}output.dense": (WIDTH, 2 * WIDTH),
        "classifier": (1, WIDTH),
    }
    tensors = {}
    for name, shape in shapes.items():
        tensors |= {f"{name}.weight": random.normal(scale=0.4, size=shape), f"{name}.bias": np.zeros(shape[0])}
    for name in ("embeddings", f"{layer}attention.output", f"{layer}output"):
        tensors |= {f"{name}.LayerNorm.weight": np.ones(WIDTH), f"{name}.LayerNorm.bias": np.zeros(WIDTH)}
    for name, rows in (("word", len(SPECIAL) + len(CHARACTERS)), ("position", MOST_TOKENS), ("token_type", 2)):
        tensors[f"embeddings.{name}_embeddings.weight"] = random.normal(size=(rows, WIDTH))
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


@pytest.fixture(scope="session")
def random_reranker(tmp_path_factory) -> Path:
    """The whole model directory of a reranker whose judgements are drawn at random; it reads characters, zh and en.

    To look at, not to change: copy it.
    """
    import onnx  # here, because most tests do without

    from models.bert_graph import BertConfig, build_reranker_graph

    folder = tmp_path_factory.mktemp("reranker") / "random-reranker"
    folder.mkdir()
    config = BertConfig(
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=4,
        layer_norm_eps=1e-6,
        max_position_embeddings=MOST_TOKENS,
    )
    onnx.save(build_reranker_graph(config, random_tensors(), for_int8=False), folder / "model.onnx")
    vocabulary = {token: number for number, token in enumerate((*SPECIAL, *CHARACTERS))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "card.md").write_text("# random-reranker\n\nKnows nothing.\n")
    files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    spec = RerankerSpec(
        name="random-reranker",
        digest=compute_reranker_digest(files, MOST_TOKENS),
        max_tokens=MOST_TOKENS,
        languages=("zh", "en"),
        temperature=2.0,
        both_directions=False,
    )
    write_reranker_spec(folder, spec)
    return folder
