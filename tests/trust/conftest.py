"""A model of a few words, homes that are published with it, and child processes that can be killed at any step."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel

from indexer.current import read_current
from indexer.entry import Entry
from indexer.home import Home
from indexer.reindex import reindex
from indexer.version import open_version
from indexer.version_list import list_versions
from models.confidence import ConfidenceMap
from models.directory import compute_digest, hash_file, open_directory, write_spec
from models.encoder import OnnxEncoder
from models.types import EncoderSpec
from service.matching import MatchOptions
from service.registry import Registry

KB = "demo"
REPOSITORY = Path(__file__).parents[2]
QUESTIONS = {"reset": "How do I reset my password?", "parcel": "Where is my parcel?", "pay": "How can I pay?"}
_DIM = 8
_WORDS = ("[UNK]", "how", "do", "can", "i", "reset", "pay", "my", "password", "where", "is", "parcel", *"0123456789")


def numbered(number: int) -> tuple[Entry, ...]:
    """Entries whose answers tell which version they belong to, and whose phrasings differ from version to version."""
    return tuple(
        Entry(id=name, question=question, similar=(f"{name} {number}",), answer=f"{name} {number}")
        for name, question in QUESTIONS.items()
    )


def make_model(folder: Path, seed: int) -> Path:
    """Write a whole model directory: the mean of its tokens' rows, of unit norm."""
    folder.mkdir()
    rows = np.random.default_rng(seed).normal(size=(len(_WORDS), _DIM)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["hidden"]),
        helper.make_node("ReduceMean", ["hidden"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=-1, p=2),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, _DIM])
    graph = helper.make_graph(nodes, "tiny", [ids], [embedding], [numpy_helper.from_array(rows, "rows")])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(network.SerializeToString())
    order = np.random.default_rng(seed).permutation(len(_WORDS)).tolist()
    tokenizer = Tokenizer(WordLevel(dict(zip(_WORDS, order, strict=True)), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    prefixes = {"question": "", "answer": ""}
    sha256 = {name: hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    digest = compute_digest(sha256, "mean", prefixes, 64)
    confidence = ConfidenceMap(
        encoder=digest,
        intercept=-5 - seed,
        similarity_slope=9,
        margin_slope=3,
        background=0.2,
        fitted_on=f"nothing {seed}",
    )
    (folder / "confidence.json").write_text(confidence.to_json())
    (folder / "card.md").write_text(f"# {folder.name}\n\nMade by a test.\n")
    spec = EncoderSpec(
        name=folder.name,
        digest=digest,
        dim=_DIM,
        pooling="mean",
        max_tokens=64,
        languages=("en",),
        prefixes=prefixes,
    )
    write_spec(folder, spec)
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> tuple[Path, Path]:
    """Two model directories."""
    folder = tmp_path_factory.mktemp("models")
    return make_model(folder / "old", 1), make_model(folder / "new", 2)


@pytest.fixture(scope="session")
def faq() -> Callable[[int], tuple[Entry, ...]]:
    return numbered


@pytest.fixture(scope="session")
def publish() -> Callable[[Home, Path, int], str]:
    """Publish a numbered FAQ with a model, as `faqmatch index` does; give the version."""

    def publish(home: Home, model: Path, number: int, kb: str = KB) -> str:
        home.prepare()
        encoder = OnnxEncoder.open(home.adopt_model(open_directory(model)).path)
        return reindex(home, home.knowledge_base(kb), numbered(number), encoder).version

    return publish


@pytest.fixture(scope="session")
def pristine(tmp_path_factory, models, publish) -> Home:
    """Three versions: 1 and 2 with the old model, 3, which is current, with the new one. To copy, not to change."""
    home = Home(tmp_path_factory.mktemp("pristine") / "home")
    for number, model in ((1, models[0]), (2, models[0]), (3, models[1])):
        publish(home, model, number)
    return home


@pytest.fixture
def copy_home(tmp_path) -> Iterator[Callable[[Path], Home]]:
    """Copy a home to where the last copy was."""
    target = tmp_path / "home"

    def copy(source: Path) -> Home:
        shutil.rmtree(target, ignore_errors=True)
        if source.exists():
            shutil.copytree(source, target)
        return Home(target)

    return copy


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a service that starts now makes of a home."""

    number: int | None
    """Of the FAQ it serves, None where it serves nothing; the answers of two are never mixed."""
    problem: str | None
    ready: bool


def answers_of(registry: Registry, kb: str = KB) -> int:
    """Ask every question; give the number of the one FAQ that all answers come from."""
    matcher = registry.matcher(kb)
    answers = {name: matcher.match(question, MatchOptions()).answer for name, question in QUESTIONS.items()}
    numbers = {answer.removeprefix(f"{name} ") for name, answer in answers.items() if answer is not None}
    assert len(numbers) == 1, answers
    assert answers == {entry.id: entry.answer for entry in numbered(int(numbers.copy().pop()))}, answers
    return int(numbers.pop())


@pytest.fixture(scope="session")
def asked() -> Callable[[Registry], int]:
    return answers_of


@pytest.fixture(scope="session")
def look() -> Callable[[Home], Look]:
    """Start as a service does, and ask."""

    def look(home: Home) -> Look:
        registry = Registry(home)
        registry.refresh()
        if not registry.names():
            return Look(number=None, problem=None, ready=registry.readiness().ready)
        info, readiness = registry.describe(KB), registry.readiness()
        number = None if info.version is None else answers_of(registry)
        return Look(number=number, problem=info.problem, ready=readiness.ready)

    return look


@pytest.fixture(scope="session")
def served_whole() -> Callable[[Home], int | None]:
    """Give the number of the FAQ that CURRENT names, None before the first; it and all other versions are whole."""

    def served_whole(home: Home) -> int | None:
        kb = home.knowledge_base(KB)
        current = read_current(kb)
        if current is None:
            assert not home.knowledge_bases()
            return None
        version = open_version(kb.versions / current.version, current.manifest_sha256)
        [number] = {int((entry.answer or "").split()[1]) for entry in version.entries}
        assert version.entries == numbered(number)
        assert [v.problem for v in list_versions(kb, verify=True)] == [None] * len(list_versions(kb))
        return number

    return served_whole


class Children:
    """Forks a process a task, from one that has loaded everything already: see driver.py."""

    def __init__(self, folder: Path, models: tuple[Path, Path]) -> None:
        self.trace_file = folder / "trace"
        self._models = [str(model) for model in models]
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("driver.py"))],
            env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, task: str, home: Home, **more: Any) -> dict[str, Any]:
        """Run a task to its end, or until it is killed at step `stop`, half of it done if `half`, or after `seconds`.

        Gives `killed`, `error` (what a user would be told) and `trace`, its steps and system calls in order.
        """
        self.start(task, home, **more)
        return self.end()

    def start(self, task: str, home: Home, **more: Any) -> None:
        """Begin a task; `end` waits for it."""
        self.trace_file.write_bytes(b"")
        task_line = {"task": task, "home": str(home.path), "models": self._models, "trace": str(self.trace_file)}
        print(json.dumps({**task_line, **more}), file=self._process.stdin, flush=True)

    def end(self) -> dict[str, Any]:
        """Wait for the task that was started."""
        ended: dict[str, Any] = json.loads(self._process.stdout.readline())
        lines = self.trace_file.read_text().splitlines()
        return ended | {"trace": [tuple(json.loads(line)) for line in lines]}

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def more_children(tmp_path_factory, models) -> Iterator[Callable[[], Children]]:
    """Start drivers, which end with the module."""
    started: list[Children] = []

    def start() -> Children:
        started.append(Children(tmp_path_factory.mktemp("children"), models))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="module")
def children(more_children) -> Children:
    return more_children()
