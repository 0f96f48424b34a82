"""The package's encoder changes: what was built with the old one serves on until it is reindexed, and after a rollback.

A release is a folder of packages of its own, with an encoder of its own. The old one is thrown away by the upgrade, so
that whatever still serves with its encoder does so from the copy in the data folder.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.current import read_current
from indexer.entry import Entry
from indexer.errors import EncoderMismatch
from indexer.home import Home
from indexer.reindex import reindex
from indexer.version import read_manifest
from indexer.version_list import version_names
from models.confidence import ConfidenceMap
from models.directory import DEFAULT_MODEL, compute_digest, find_model, open_directory, write_spec
from models.encoder import OnnxEncoder
from models.types import EncoderSpec
from service.loaded_model import LoadedModel
from service.matching import MatchOptions
from service.registry import Registry

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60
QUESTION = "i forgot my pass word"
FAQ = [
    {"id": "reset", "question": "How do I reset my password?", "similar": ["I forgot my password"], "answer": "So."},
    {"id": "parcel", "question": "Where is my parcel?", "answer": "On its way."},
    {"id": "invoice", "question": "怎么开发票？", "answer": "在订单页面申请。"},
]
CHANGED = [*FAQ, {"id": "pay", "question": "How do I pay?", "answer": "By card."}]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """A faqmatch with an encoder of its own."""

    packages: Path
    spec: EncoderSpec

    @property
    def model(self) -> Path:
        return self.packages / "models" / "pretrained" / self.spec.name

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "service.cli", *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_")}
        return {**inherited, "PYTHONPATH": str(self.packages), "FAQMATCH_THREADS": "1"}

    def run(self, *arguments: object) -> Ran:
        ended = subprocess.run(
            self.command(*arguments),
            cwd=self.packages,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)


def make_release(packages: Path, prefix: str, name: str = DEFAULT_MODEL) -> Release:
    """Write a release whose encoder reads this prefix before each question: other numbers, another digest."""
    for floor in ("models", "indexer", "service"):
        unwanted = shutil.ignore_patterns("pretrained", "training", "__pycache__")
        shutil.copytree(ROOT / floor, packages / floor, ignore=unwanted)
    shipped = open_directory(find_model(DEFAULT_MODEL))
    target = packages / "models" / "pretrained" / name
    target.mkdir(parents=True)
    for file in shipped.sha256:
        (os.link if shipped.file(file).stat().st_dev == target.stat().st_dev else shutil.copy)(
            shipped.file(file), target / file
        )
    prefixes = {**shipped.spec.prefixes, "question": prefix}
    digest = compute_digest(shipped.sha256, shipped.spec.pooling, prefixes, shipped.spec.max_tokens)
    confidence = ConfidenceMap.read(shipped.file("confidence.json"), shipped.spec.digest)
    (target / "confidence.json").unlink()
    (target / "confidence.json").write_text(replace(confidence, encoder=digest).to_json())
    spec = replace(shipped.spec, name=name, digest=digest, prefixes=prefixes)
    write_spec(target, spec)
    return Release(packages=packages, spec=open_directory(target).spec)


@pytest.fixture
def old(tmp_path) -> Release:
    return make_release(tmp_path / "release-1", "query: ")


@pytest.fixture
def new(tmp_path) -> Release:
    return make_release(tmp_path / "release-2", "question: ")


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def write_faq(tmp_path) -> Callable[[list[dict[str, Any]]], Path]:
    def write(entries: list[dict[str, Any]]) -> Path:
        file = tmp_path / "faq.jsonl"
        file.write_text("\n".join(json.dumps(entry) for entry in entries))
        return file

    return write


@dataclass
class Index:
    home: Home
    write_faq: Callable[[list[dict[str, Any]]], Path]

    def __call__(self, release: Release, entries: list[dict[str, Any]], *options: object) -> str:
        """Index with the command of a release, and give what it says."""
        ran = release.run("index", self.write_faq(entries), "--kb", "demo", "--home", self.home.path, *options)
        assert ran.code == 0, ran.err
        return ran.out


@pytest.fixture
def index(home, write_faq) -> Index:
    return Index(home, write_faq)


@pytest.fixture
def publish(home) -> Callable[..., str]:
    """Index with the encoder of a release in this process, which is sooner done, and give the version."""
    home.prepare()

    def publish(release: Release, entries: list[dict[str, Any]]) -> str:
        copy = home.adopt_model(open_directory(release.model))
        rows = [Entry(**{**entry, "similar": tuple(entry.get("similar", ()))}) for entry in entries]
        return reindex(home, home.knowledge_base("demo"), rows, OnnxEncoder.open(copy.path)).version

    return publish


Numbers = list[tuple[str, float, float]]


def numbers(matches: list[Any]) -> Numbers:
    return [(match["id"], match["similarity"], match["confidence"]) for match in matches]


def ask(registry: Registry, question: str = QUESTION) -> Numbers:
    registry.refresh()
    matches = registry.matcher("demo").match(question, MatchOptions()).matches
    return [(match.entry.id, round(match.similarity, 4), round(match.confidence, 4)) for match in matches]


def current(home: Home) -> str:
    return read_current(home.knowledge_base("demo")).version


def cached_texts(home: Home, release: Release) -> int:
    connection = sqlite3.connect(home.cache_file(release.spec))
    try:
        return connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    finally:
        connection.close()


def test_an_index_outlives_the_encoder_of_the_package_it_was_built_with(old, new, home, index):
    assert "4 texts encoded" in index(old, FAQ)
    assert home.model_path(old.spec).is_dir()
    registry = Registry(home)
    before = ask(registry)
    shutil.rmtree(old.packages)

    assert ask(Registry(home)) == before
    asked = new.run("ask", QUESTION, "--kb", "demo", "--home", home.path, "--json")
    assert json.loads(asked.out)["matches"][0]["entry"]["id"] == before[0][0]
    assert old.spec.label in new.run("versions", "--kb", "demo", "--home", home.path).out
    assert new.run("verify", "--home", home.path).code == 0
    assert new.run("rollback", "--kb", "demo", "--home", home.path).code == 1  # there is nothing before, as always

    first = current(home)
    told = index(new, CHANGED)
    assert "5 texts encoded" in told  # of which four are in the old encoder's cache, and not in its own
    assert f"with {new.spec.label}" in told
    assert (cached_texts(home, old), cached_texts(home, new)) == (4, 5)
    after = ask(registry)
    assert after[0][0] == before[0][0]
    assert [similarity for _, similarity, _ in after] != [similarity for _, similarity, _ in before]
    assert registry.describe("demo").model == new.spec.label
    assert "0 texts encoded" in index(new, CHANGED)

    rows = [line for line in new.run("versions", "--kb", "demo", "--home", home.path).out.splitlines() if "│" in line]
    assert [spec.label in row for spec, row in zip((old.spec, new.spec), rows, strict=True)] == [True, True]

    assert new.run("rollback", "--kb", "demo", "--home", home.path).code == 0
    assert current(home) == first
    assert ask(registry) == before
    assert ask(Registry(home)) == before
    assert registry.describe("demo").problem is None


def test_an_unchanged_file_is_indexed_anew_by_another_encoder(old, new, home, index):
    index(old, FAQ)
    first = current(home)
    told = index(new, FAQ)
    assert "3 entries (0 new, 0 changed, 3 unchanged, 0 removed, 0 rejected), 4 phrasings, 4 texts encoded" in told
    assert "published version" in told
    assert len(version_names(home.knowledge_base("demo"))) == 2
    assert current(home) > first
    back = index(old, FAQ)  # and back again, as somebody does who goes back to the release before
    assert "0 texts encoded" in back
    assert f"with {old.spec.label}" in back


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    log: Path

    def query(self, question: str = QUESTION) -> dict[str, Any]:
        response = httpx.post(f"{self.url}/v1/kbs/demo/query", json={"question": question}, timeout=PATIENCE_S)
        assert response.status_code == 200, response.text
        return response.json()

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE_S).json()

    @property
    def url(self) -> str:
        found = re.search(r'"event": "listening", "url": "([^"]+)"', self.log.read_text())
        assert found, self.log.read_text()
        return found[1]

    def wait_for_version(self, version: str) -> None:
        wait_until(lambda: self.get("/v1/kbs")["knowledge_bases"][0]["version"] == version)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def serve(home, tmp_path) -> Iterator[Callable[[Release], Server]]:
    started: list[Server] = []

    def serve(release: Release) -> Server:
        log = tmp_path / f"log-{len(started)}"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                release.command("serve", "--home", home.path, "--port", "0"),
                cwd=release.packages,
                env=release.environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        started.append(Server(process, log))
        wait_until(lambda: "Application startup complete." in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return started[-1]

    yield serve
    for server in started:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE_S)


def test_services_of_both_releases_follow_the_change_and_the_rollback(old, new, home, index, serve):
    index(old, FAQ)
    first = current(home)
    running = serve(old)
    before = running.query()
    assert before["version"] == first

    upgraded = serve(new)  # beside it, on the same data folder
    assert numbers(upgraded.query()["matches"]) == numbers(before["matches"])
    assert upgraded.get("/v1/info")["models"] == [old.spec.label]

    index(new, FAQ)
    second = current(home)
    shutil.rmtree(old.model)
    for server in (running, upgraded):
        server.wait_for_version(second)
        assert server.get("/v1/info")["models"] == [new.spec.label]
    after = upgraded.query()
    assert numbers(running.query()["matches"]) == numbers(after["matches"])
    assert numbers(after["matches"]) != numbers(before["matches"])

    assert new.run("rollback", "--kb", "demo", "--home", home.path).code == 0
    for server in (running, upgraded):
        server.wait_for_version(first)
        assert numbers(server.query()["matches"]) == numbers(before["matches"])
        assert server.get("/readyz") == {"status": "ready", "problems": []}


def test_a_running_service_outlives_the_loss_of_its_model_and_a_start_names_it(old, new, home, index, serve):
    index(old, FAQ)
    running = serve(old)
    before = numbers(running.query()["matches"])
    shutil.rmtree(home.model_path(old.spec))
    assert numbers(running.query()["matches"]) == before

    missing = f"models/{old.spec.label}: is missing, the index was built with it"
    fix = "restore it from a backup, or index again"
    fresh = serve(new)
    [described] = fresh.get("/v1/kbs")["knowledge_bases"]
    assert described["problem"] == f"{missing}: {fix}"
    assert f"{missing}: {fix}" in fresh.get("/readyz")["detail"]
    asked = new.run("ask", QUESTION, "--kb", "demo", "--home", home.path)
    assert f"{missing}: {fix}" in asked.err
    with pytest.raises(EncoderMismatch, match="is missing"):
        LoadedModel.open(home, read_manifest(home.knowledge_base("demo").versions / current(home)))

    index(new, FAQ)
    fresh.wait_for_version(current(home))
    assert fresh.get("/readyz")["problems"] == []


def test_the_loss_of_the_older_model_is_told_by_versions_verify_doctor_and_rollback(old, new, home, publish):
    first, second = publish(old, FAQ), publish(new, FAQ)
    model = home.model_path(old.spec)
    shutil.rmtree(model)
    missing = f"{model}: is missing, the index was built with it: restore it from a backup, or index again"

    assert f"{old.spec.label} (missing)" in new.run("versions", "--kb", "demo", "--home", home.path).out
    verified = new.run("verify", "--home", home.path)
    assert (verified.code, verified.out) == (1, f"demo {first}: {missing}\ndemo {second} (current): whole\n")
    assert f"warn  demo {first}: {missing}" in new.run("doctor", "--home", home.path, "--port", "0").out
    for options in ((), ("--to", first)):
        refused = new.run("rollback", "--kb", "demo", "--home", home.path, *options)
        assert (refused.code, missing in refused.err) == (1, True)
        assert refused.err.count("\n") == 1
    assert current(home) == second

    shutil.copytree(old.model, model)  # as from a backup
    assert new.run("verify", "--home", home.path).code == 0
    assert new.run("rollback", "--kb", "demo", "--home", home.path).code == 0


def test_a_rollback_passes_over_a_version_whose_model_is_gone(old, new, home, publish):
    first, *_ = publish(new, FAQ), publish(old, FAQ), publish(new, CHANGED)
    shutil.rmtree(home.model_path(old.spec))
    assert (
        new.run("rollback", "--kb", "demo", "--home", home.path).out
        == f"knowledge base demo: version {first} is current\n"
    )


def test_a_model_that_no_version_uses_any_more_stays_and_doctor_tells_its_size(old, new, home, publish):
    publish(old, FAQ)
    for number in range(3):
        publish(new, [*FAQ, {"id": "n", "question": f"Which number is {number}?", "answer": str(number)}])
    told = new.run("doctor", "--home", home.path, "--port", "0")
    assert told.code == 0
    assert f"ok    model {new.spec.label}: whole\n" in told.out
    size = open_directory(home.model_path(old.spec)).size / 1e6
    unused = f"ok    model {old.spec.label}: whole; no version uses it, its {size:.1f} MB may be removed\n"
    assert unused in told.out


def test_a_remembered_encoder_that_the_package_no_longer_ships_is_one_line_with_the_ways_out(
    new, home, index, write_faq, tmp_path
):
    former = make_release(tmp_path / "release-0", "query: ", name="former-encoder")
    index(former, FAQ, "--model", "former-encoder")
    before = ask(Registry(home))
    shutil.rmtree(former.packages)
    copy = home.model_path(former.spec)
    kb = home.knowledge_base("demo")

    assert f"warn  demo kb.json: model former-encoder: neither a shipped model ({DEFAULT_MODEL})" in (
        new.run("doctor", "--home", home.path, "--port", "0").out
    )
    refused = new.run("index", write_faq(CHANGED), "--kb", "demo", "--home", home.path)
    assert (refused.code, refused.err) == (
        1,
        f"faqmatch: model former-encoder: neither a shipped model ({DEFAULT_MODEL}) nor a folder that holds a "
        f"spec.json; {kb.settings_file} names it: choose another with --model {copy} or --model {DEFAULT_MODEL}\n",
    )
    assert ask(Registry(home)) == before

    assert "1 texts encoded" in index(
        new, CHANGED, "--model", copy
    )  # the first way out: the old encoder, from its copy
    assert kb.read_settings().encoder == str(copy)
    assert "5 texts encoded" in index(new, CHANGED, "--model", DEFAULT_MODEL)  # the other
    assert kb.read_settings().encoder == DEFAULT_MODEL
