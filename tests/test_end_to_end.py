"""The product as its users have it: real processes, the shipped model, the bundled FAQ, the README's own commands."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.current import read_current
from indexer.entry import Entry
from indexer.home import Home
from indexer.reindex import reindex
from models import normalise
from models.directory import DEFAULT_MODEL, find_model, open_directory
from models.encoder import OnnxEncoder
from models.reranker import OnnxReranker

ROOT = Path(__file__).parents[1]
FAQ = [json.loads(line) for line in (ROOT / "service/demo/faq.jsonl").read_text().splitlines()]
PATIENCE_S = 60
PUBLISHES = 20
TRAINING = {"torch", "transformers", "onnx", "sklearn", "pandas", "safetensors", "sentence_transformers"}
# The console script, which tells at its end what it has loaded.
PROGRAM = """
import pathlib, sys
from service.cli import main
try:
    main()
finally:
    pathlib.Path("modules").write_text(" ".join(sys.modules))
"""


@dataclass
class Server:
    """A service that runs, and the folder it runs in."""

    process: subprocess.Popen[bytes]
    folder: Path
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=PATIENCE_S))

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @cached_property
    def url(self) -> str:
        listening = re.search(r'^\{.*"event": "listening", "url": "([^"]+)"', self.log, re.MULTILINE)
        assert listening, self.log
        return listening[1]

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"{self.url}{path}", json=body)

    def query(self, question: str, kb: str = "demo", **options: Any) -> dict[str, Any]:
        response = self.post(f"/v1/kbs/{kb}/query", question=question, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def get(self, path: str) -> httpx.Response:
        return self.client.get(f"{self.url}{path}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_")}
    return inherited | {"PYTHONPATH": str(ROOT), "FAQMATCH_THREADS": "2"}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


Start = Callable[..., Server]


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Iterator[Start]:
    """Start services that end with the module."""
    servers: list[Server] = []

    def start(command: str, home: Path, **settings: str) -> Server:
        folder = tmp_path_factory.mktemp(command)
        with (folder / "log").open("wb") as log:
            arguments = [command, "--home", str(home), "--port", "0"]
            process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *arguments],
                cwd=folder,
                env=environment() | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        server = Server(process, folder)
        servers.append(server)
        wait_until(lambda: process.poll() is not None or '"event": "Application startup complete."' in server.log)
        assert process.poll() is None, server.log
        return server

    yield start
    for server in servers:
        server.client.close()
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def demo(start, tmp_path_factory) -> Server:
    """`faqmatch demo` in a data folder of its own."""
    return start("demo", tmp_path_factory.mktemp("demo-home") / "home")


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder.open(find_model(DEFAULT_MODEL))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    """A data folder that holds the model and nothing else yet."""
    home = Home(tmp_path_factory.mktemp("home") / "home")
    home.prepare()
    home.adopt_model(open_directory(find_model(DEFAULT_MODEL)))
    return home


def bundled(identifier: str) -> dict[str, Any]:
    return next(entry for entry in FAQ if entry["id"] == identifier)


def test_the_demo_introduces_itself_and_its_example_works(demo):
    assert f"page         {demo.url}/\n" in demo.log
    assert "200 entries" in demo.log
    [example] = [line for line in demo.log.splitlines() if line.lstrip().startswith("curl ")]
    ran = subprocess.run(["bash", "-c", example], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["answer"] == bundled("en-reset-password")["answer"]


def test_the_first_question_of_the_readme_gets_the_answer_that_the_readme_shows(demo):
    readme = (ROOT / "README.md").read_text()
    command = next(line for line in readme.splitlines() if line.startswith("curl "))
    assert "localhost:8080" in command
    ran = subprocess.run(
        ["bash", "-c", command.replace("http://", "").replace("localhost:8080", demo.url)],
        capture_output=True,
        text=True,
        check=True,
    )
    reply = json.loads(ran.stdout)
    assert (reply["decision"], reply["answer"]) == ("answer", bundled("en-reset-password")["answer"])
    shown = json.loads(re.search(r"```json\n(\{.*?)```", readme, re.DOTALL)[1])
    assert (shown["decision"], shown["answer"]) == (reply["decision"], reply["answer"])
    assert shown["confidence"] == pytest.approx(reply["confidence"], abs=0.02)
    shown["matches"][0].pop("...")
    for name, value in shown["matches"][0].items():
        assert reply["matches"][0][name] == (pytest.approx(value, abs=1e-3) if name == "similarity" else value)


@pytest.mark.parametrize("identifier", ["en-reset-password", next(e["id"] for e in FAQ if e["id"].startswith("zh-"))])
def test_every_stored_phrasing_gets_its_answer_to_the_letter(demo, identifier):
    entry = bundled(identifier)
    for phrasing in (entry["question"], *entry["similar"]):
        reply = demo.query(phrasing)
        assert (reply["decision"], reply["answer"], reply["confidence"]) == ("answer", entry["answer"], 1.0)


def test_a_chinese_question_in_other_words_and_traditional_characters_finds_its_entry(demo):
    replies = [demo.query(question) for question in ("密码想不起来了怎么登录", "密碼想不起來了怎麼登錄")]
    first, second = ([match["id"] for match in reply["matches"]] for reply in replies)
    assert first == second
    assert first[0].startswith("zh-")
    assert replies[0]["confidence"] == replies[1]["confidence"]
    assert "密码" in replies[0]["matches"][0]["question"]


def test_what_the_faq_does_not_hold_is_not_answered(demo):
    reply = demo.query("how many moons does jupiter have")
    assert (reply["decision"] != "answer", reply["answer"]) == (True, None)


def numbers(reply: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(match["id"], match["similarity"], match["confidence"]) for match in reply["matches"]]


def test_the_numbers_are_the_same_alone_in_a_batch_and_under_load(demo):
    questions = [f"{entry['similar'][-1]} {number}" for number, entry in enumerate(FAQ[:64])]
    alone = [numbers(demo.query(question)) for question in questions]
    assert all(similarity is not None for found in alone for _, similarity, _ in found)
    batch = demo.post("/v1/kbs/demo/query/batch", questions=questions).json()["results"]
    assert [numbers(reply) for reply in batch] == alone
    with ThreadPoolExecutor(8) as clients:
        assert [numbers(reply) for reply in clients.map(demo.query, questions)] == alone


def test_another_process_publishes_and_the_running_service_takes_it(demo, tmp_path):
    (home_folder,) = re.findall(r"data folder  (.*)", demo.log)
    before = demo.query("where is the bike")["version"]
    faq = tmp_path / "faq.jsonl"
    added = {"id": "bike", "question": "Where can I park my bicycle?", "answer": "Behind the house."}
    faq.write_text("\n".join(json.dumps(entry) for entry in [*FAQ, added]))
    command = [sys.executable, "-m", "service.cli", "index", str(faq), "--kb", "demo", "--home", home_folder]
    ran = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
    assert (
        "201 entries (1 new, 0 changed, 200 unchanged, 0 removed, 0 rejected), 1,036 phrasings, 1 texts encoded"
        in ran.stdout
    )
    began = time.monotonic()
    wait_until(lambda: demo.query("where can I park my bicycle")["answer"] == "Behind the house.")
    assert time.monotonic() - began < 2
    assert demo.query("where is the bike")["version"] > before


def test_a_second_start_of_the_demo_has_nothing_to_index(demo, start):
    (home_folder,) = re.findall(r"data folder  (.*)", demo.log)
    again = start("demo", Path(home_folder))
    assert "0 texts encoded" in again.log
    assert again.query("I forgot my password")["answer"] == bundled("en-reset-password")["answer"]
    assert again.stop() == 0


def numbered(number: int) -> list[Entry]:
    """Entries whose every answer tells which version it belongs to."""
    return [
        Entry(id=name, question=question, answer=f"{name} {number}")
        for name, question in (("pay", "How do I pay?"), ("return", "How do I return it?"), ("发票", "怎么开发票？"))
    ]


def test_a_burst_that_is_cut_by_sigterm_is_answered_to_the_last_accepted_request(start, home, encoder):
    reindex(home, home.knowledge_base("burst"), numbered(0), encoder)
    server = start("serve", home.path, FAQMATCH_THREADS="1", FAQMATCH_QUEUE="64", FAQMATCH_DEADLINE_MS="60000")
    questions = [f"may I pay {number} euros {'by card or in cash ' * 8}" for number in range(12)]
    replies: list[httpx.Response] = []

    def ask() -> None:
        replies.append(server.post("/v1/kbs/burst/query/batch", questions=questions))

    clients = [threading.Thread(target=ask) for _ in range(10)]
    for client in clients:
        client.start()
    wait_until(lambda: waiting(server) >= 7)
    assert server.stop() == 0
    for client in clients:
        client.join()
    assert [reply.status_code for reply in replies] == [200] * 10
    assert all(len(reply.json()["results"]) == 12 for reply in replies)
    loaded = (server.folder / "modules").read_text().split()
    assert {"onnxruntime", "faiss", "uvicorn"} <= set(loaded)
    assert not {name.partition(".")[0] for name in loaded} & TRAINING


def waiting(server: Server) -> float:
    found = re.search(r"^faqmatch_queue_waiting (\S+)$", server.get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0


def test_twenty_publishes_under_load_fail_no_query_and_mix_no_versions(start, home, encoder):
    kb = home.knowledge_base("busy")
    number_of = {reindex(home, kb, numbered(0), encoder).version: 0}
    server = start("serve", home.path)
    seen: list[list[tuple[str, set[str]]]] = [[] for _ in range(4)]
    failed: list[str] = []
    done = threading.Event()

    def keep_asking(mine: list[tuple[str, set[str]]], question: str) -> None:
        while not done.is_set():
            response = server.post("/v1/kbs/busy/query", question=question)
            if response.status_code != 200:
                failed.append(response.text)
                continue
            reply = response.json()
            mine.append((reply["version"], {match["answer"].split()[1] for match in reply["matches"]}))

    questions = ["what ways are there to pay", "I want to send it back", "How do I pay?", "能给我开张发票吗"]
    clients = [threading.Thread(target=keep_asking, args=pair) for pair in zip(seen, questions, strict=True)]
    for client in clients:
        client.start()
    try:
        for number in range(1, PUBLISHES + 1):
            number_of[reindex(home, kb, numbered(number), encoder).version] = number
            time.sleep(0.1)
        wait_until(lambda: all(mine and number_of[mine[-1][0]] == PUBLISHES for mine in seen))
    finally:
        done.set()
        for client in clients:
            client.join()
    assert failed == []
    for mine in seen:
        assert all(answers == {str(number_of[version])} for version, answers in mine)
        order = [number_of[version] for version, _ in mine]
        assert order == sorted(order)
    assert len({version for mine in seen for version, _ in mine}) > 5
    assert read_current(kb).version == max(number_of)
    assert server.get("/readyz").json() == {"status": "ready", "problems": []}
    assert server.stop() == 0


def test_a_service_leaves_nothing_in_the_folder_of_its_user(start, home, encoder, tmp_path):
    """Such as the id of this machine and the reports about it that onnxruntime keeps there unless told not to."""
    reindex(home, home.knowledge_base("quiet"), numbered(0), encoder)
    server = start("serve", home.path, HOME=str(tmp_path))
    assert server.query("how can I pay", kb="quiet")["matches"][0]["id"] == "pay"
    assert server.stop() == 0
    assert list(tmp_path.rglob("*")) == []


ASKED = "what ways are there to pay"


@pytest.fixture
def reranked_home(home, encoder) -> Home:
    reindex(home, home.knowledge_base("reranked"), numbered(0), encoder)
    return home


def test_a_service_with_a_reranker_puts_the_most_relevant_first_where_that_is_asked_for(
    start, reranked_home, random_reranker
):
    server = start("serve", reranked_home.path, FAQMATCH_RERANKER=str(random_reranker))
    reranker = OnnxReranker.open(random_reranker)
    plain = server.query(ASKED, kb="reranked")
    texts = [normalise.text(match["matched_phrasing"]) for match in plain["matches"]]
    relevance = {
        match["id"]: round(float(judged), 6)
        for match, judged in zip(plain["matches"], reranker.relevance(ASKED, texts), strict=True)
    }
    reply = server.query(ASKED, kb="reranked", rerank="on", top=2)
    found = {match["id"]: match["relevance"] for match in reply["matches"]}
    assert list(found.items()) == sorted(relevance.items(), key=lambda one: -one[1])[:2]
    assert list(found) != [match["id"] for match in plain["matches"][:2]], "else it would show nothing"
    assert [match["confidence"] for match in reply["matches"]] == list(found.values())
    assert (reply["reranked"], reply["degraded"]) == (3, False)
    assert reply["calibration"] == f"relevance@{reranker.spec.digest[:12]}"
    assert reply["timings_ms"]["rerank"] > 0
    for rerank in ("off", "auto"):
        other = server.query(ASKED, kb="reranked", rerank=rerank)
        assert (numbers(other), other["reranked"], other["calibration"]) == (numbers(plain), 0, plain["calibration"])
        assert all(match["relevance"] is None for match in other["matches"])
    batch = server.post("/v1/kbs/reranked/query/batch", questions=[ASKED, "How do I pay?"], rerank="on").json()
    assert [reply["reranked"] for reply in batch["results"]] == [3, 0]
    assert server.get("/v1/info").json()["reranker"] == reranker.spec.label
    assert f'faqmatch_reranker_info{{reranker="{reranker.spec.label}"}} 1.0' in server.get("/metrics").text
    assert server.stop() == 0
    assert not {name.partition(".")[0] for name in (server.folder / "modules").read_text().split()} & TRAINING


def test_a_service_without_a_reranker_refuses_to_rerank_and_names_the_field_and_the_fix(start, reranked_home):
    server = start("serve", reranked_home.path, FAQMATCH_RERANKER="none")
    refused = server.post("/v1/kbs/reranked/query", question=ASKED, rerank="on")
    assert (refused.status_code, refused.json()["title"]) == (422, "The request is not valid")
    assert refused.json()["errors"] == [
        {
            "pointer": "#/rerank",
            "detail": "the setting reranker is none: ask with rerank auto or off, or name a reranker with the setting "
            "reranker (FAQMATCH_RERANKER, --reranker)",
        }
    ]
    for options in ({}, {"rerank": "auto"}, {"rerank": "off"}):
        assert server.query(ASKED, kb="reranked", **options)["matches"][0]["id"] == "pay"
    assert server.get("/v1/info").json()["reranker"] is None
    assert server.stop() == 0


def test_a_service_with_a_damaged_reranker_answers_without_it_and_says_so(
    start, reranked_home, random_reranker, tmp_path
):
    damaged = shutil.copytree(random_reranker, tmp_path / "damaged")
    (damaged / "model.onnx").write_bytes(b"no network")
    server = start("serve", reranked_home.path, FAQMATCH_RERANKER=str(damaged))
    ready = server.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    [problem] = ready.json()["problems"]
    assert problem.startswith("reranker: damaged/model.onnx: was changed or damaged")
    assert str(tmp_path) not in problem
    plain, asked = (server.query(ASKED, kb="reranked", **options) for options in ({}, {"rerank": "on"}))
    assert (plain["degraded"], asked["degraded"], asked["reranked"]) == (False, True, 0)
    assert numbers(asked) == numbers(plain)
    assert asked["notices"] == ["the reranker cannot be used, /readyz says why: the order is that of similarity"]
    assert server.get("/v1/info").json()["reranker"] is None
    assert server.stop() == 0
