"""A model that takes no time, and a data folder that fits on half a page."""

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel

from benchmarks.data_folder import DataFolder
from benchmarks.generated_questions import generate_questions
from models import directory
from models.confidence import ConfidenceMap
from models.types import EncoderSpec

DIM = 32
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    """Words of English and characters of Chinese: those of the bundled FAQ and of the generated questions."""
    faq = Path(directory.__file__).parents[1] / "service" / "demo" / "faq.jsonl"
    rows = [json.loads(line) for line in faq.read_text(encoding="utf-8").splitlines()]
    texts = [*generate_questions(2_000), *(text for row in rows for text in (row["question"], *row["similar"]))]
    normaliser, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words = {word for text in texts for word, _ in splitter.pre_tokenize_str(normaliser.normalize_str(text))}
    vocabulary = {word: number for number, word in enumerate((*SPECIAL, *sorted(words)))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normaliser, splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> str:
    """A model directory whose vectors are means of one random row a word."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    folder.mkdir()
    rows = np.random.default_rng(7).normal(size=(tokenizer.get_vocab_size(), DIM)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["rows", "input_ids"], ["hidden"]),
            helper.make_node("ReduceMean", ["hidden"], ["mean"], axes=[1], keepdims=0),
            helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=-1, p=2),
        ],
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, DIM])],
        [numpy_helper.from_array(rows, "rows")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(network.SerializeToString())
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "card.md").write_text("tiny\n", encoding="utf-8")
    files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    prefixes = {"question": "", "answer": ""}
    spec = EncoderSpec(
        name="tiny",
        digest=directory.compute_digest(files, "mean", prefixes, 64),
        dim=DIM,
        pooling="mean",
        max_tokens=64,
        languages=("zh", "en"),
        prefixes=prefixes,
    )
    confidence = ConfidenceMap(
        encoder=spec.digest, intercept=-8, similarity_slope=10, margin_slope=10, background=0.3, fitted_on="nothing"
    )
    (folder / "confidence.json").write_text(confidence.to_json(), encoding="utf-8")
    directory.write_spec(folder, spec)
    return str(folder)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data sets that `quality` and `scale` read in their quick form, a few rows each."""
    folder = tmp_path_factory.mktemp("data")
    questions = generate_questions(60)
    faq = [
        {"id": f"m{number}", "question": text, "similar": [], "answer": "" if number % 2 else "yes"}
        for number, text in enumerate(questions[:40])
    ]
    write_lines(folder / "medquad" / "faq.jsonl", map(json.dumps, faq))
    write_lines(folder / "covid_q" / "faq.jsonl", map(json.dumps, faq[:20]))
    queries = [{"query": f"{row['question']} please", "relevant": [row["id"]]} for row in faq[:20]]
    queries += [{"query": text, "relevant": []} for text in questions[40:]]
    write_lines(folder / "covid_q" / "queries.jsonl", map(json.dumps, queries))
    pairs = [f"{row['question']}\t{row['question']} now\t1" for row in faq[:10]]
    pairs += [f"{first}\t{second}\t0" for first, second in zip(questions[:10], questions[50:], strict=True)]
    write_lines(folder / "bustm" / "test.tsv", ["text_a\ttext_b\tlabel", *pairs])
    write_lines(folder / "mediqa_rqe" / "train.tsv", ["text_a\ttext_b\tlabel", *pairs])
    pool = [f"{text}\tmedquad" for text in questions[:5]] + [f"{text}\topentriviaqa" for text in questions[40:]]
    write_lines(folder / "pool_en_permissive" / "questions.tsv", ["question\tsource", *pool])
    return folder


@pytest.fixture
def data_folder(data: Path) -> DataFolder:
    return DataFolder(data)


def write_lines(file: Path, lines) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
