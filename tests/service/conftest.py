"""Services as users meet them: processes of their own that are talked to over a socket."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.entry import Entry
from indexer.home import Home
from indexer.reindex import Outcome, reindex
from models.confidence import ConfidenceMap
from models.directory import DEFAULT_MODEL, find_model, open_directory
from models.encoder import OnnxEncoder

REPOSITORY = Path(__file__).parents[2]
FAKE_SERVICE = Path(__file__).with_name("fake_service.py")
PATIENCE_S = 20

SECRETS = {name: f"{name}-secret-0123456789" for name in ("query", "demo", "admin")}


@dataclass
class RunningService:
    process: subprocess.Popen[str]
    url: str = ""
    lines: list[str] = field(default_factory=list)
    _arrived: queue.Queue[str] = field(default_factory=queue.Queue)

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, int(url.port or 0)

    def follow(self) -> None:
        """Collect what the process writes, so that its pipe never fills."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._arrived.put(line)

    def wait_for_line(self, **fields: object) -> dict[str, Any]:
        """Give the next log line with these fields; lines before it are skipped."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line with {fields} in:\n{''.join(self.lines)}") from None
            entry = json.loads(line)
            if fields.items() <= entry.items():
                return entry

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and give the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def query(self, question: str, kb: str = "demo", **kwargs: Any) -> httpx.Response:
        return self.post(f"/v1/kbs/{kb}/query", json={"question": question}, **kwargs)

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=PATIENCE_S, **kwargs)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", timeout=PATIENCE_S, **kwargs)


StartService = Callable[..., RunningService]


def launch(folder: Path, **settings: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_")}
    environment = {"FAQMATCH_PORT": "0", "FAQMATCH_THREADS": "2", **settings}
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(FAKE_SERVICE)],
        cwd=folder,
        env=inherited | environment | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartService]:
    """Start services with settings of one's own, given as environment variables; they end with the session."""
    running: list[RunningService] = []
    followers: list[threading.Thread] = []

    def start(**settings: str) -> RunningService:
        service = RunningService(launch(tmp_path_factory.mktemp("service"), **settings))
        running.append(service)
        followers.append(threading.Thread(target=service.follow, daemon=True))
        followers[-1].start()
        service.url = service.wait_for_line(event="listening")["url"]
        wait_until(lambda: httpx.get(f"{service.url}/healthz", timeout=PATIENCE_S).status_code == 200)
        return service

    yield start
    for service in running:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
    for follower in followers:
        follower.join()
    for service in running:
        assert service.process.stdout is not None
        service.process.stdout.close()


@pytest.fixture
def fail_to_start(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Start a service that cannot, and give its exit code and all it wrote."""

    def start(**settings: str) -> tuple[int, str]:
        process = launch(tmp_path, **settings)
        written, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, written

    return start


@pytest.fixture(scope="session")
def open_service(start_service: StartService) -> RunningService:
    """A service without keys."""
    return start_service()


@pytest.fixture(scope="session")
def keyed_service(start_service: StartService) -> RunningService:
    """A service with three keys, whose secrets are in `bearer`."""
    rights = {"query": "query", "demo": "query@demo+loading", "admin": "admin"}
    return start_service(FAQMATCH_API_KEYS=",".join(f"{rights[name]}:{SECRETS[name]}" for name in rights))


@pytest.fixture(scope="session")
def bearer() -> dict[str, dict[str, str]]:
    """The headers to send with the keys of `keyed_service`: query, demo (bound to demo and loading), admin."""
    return {name: {"Authorization": f"Bearer {secret}"} for name, secret in SECRETS.items()}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own FAQMATCH_ variables change no test."""
    for name in list(os.environ):
        if name.startswith("FAQMATCH_"):
            monkeypatch.delenv(name)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def encoder() -> OnnxEncoder:
    """The encoder that is part of the package."""
    return OnnxEncoder.open(find_model(DEFAULT_MODEL))


@pytest.fixture(scope="session")
def confidence(encoder) -> ConfidenceMap:
    return ConfidenceMap.read(find_model(DEFAULT_MODEL) / "confidence.json", encoder.spec.digest)


def small_faq(answer: str) -> tuple[Entry, ...]:
    """A small FAQ whose first answer is chosen."""
    return (
        Entry(id="reset", question="How do I reset my password?", similar=("I forgot my password",), answer=answer),
        Entry(id="parcel", question="Where is my parcel?", answer="On its way.", tags=("delivery",)),
        Entry(id="invoice", question="怎么开发票？", answer="在订单页面申请。", tags=("money",)),
    )


Publish = Callable[..., Outcome]


@pytest.fixture(scope="session")
def publish(encoder) -> Publish:
    """Publish the small FAQ in a home, with an answer of one's own."""

    def publish(home: Home, answer: str, kb: str = "demo") -> Outcome:
        return reindex(home, home.knowledge_base(kb), small_faq(answer), encoder)

    return publish


@pytest.fixture(scope="session")
def pristine_home(tmp_path_factory: pytest.TempPathFactory, publish) -> Home:
    """A home with the shipped model and two versions of the knowledge base demo. To look at, not to change."""
    home = Home(tmp_path_factory.mktemp("pristine") / "home")
    home.prepare()
    home.adopt_model(open_directory(find_model(DEFAULT_MODEL)))
    publish(home, "the first answer")
    publish(home, "the second answer")
    return home


@pytest.fixture(scope="session")
def copy_home(pristine_home) -> Callable[[Path], Home]:
    """Copy the pristine home. The files of its model are shared: replace them, never write into them."""

    def copy_file(source: str, target: str) -> str:
        (os.link if "@" in Path(source).parent.name else shutil.copy2)(source, target)
        return target

    def copy(target: Path) -> Home:
        shutil.copytree(pristine_home.path, target, copy_function=copy_file)
        return Home(target)

    return copy


@pytest.fixture
def home(tmp_path, copy_home) -> Home:
    """A home of one's own."""
    return copy_home(tmp_path / "home")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def mistake(self) -> str:
        """What a user's mistake is told: one line and exit code 1, no traceback."""
        assert self.code == 1, self
        assert self.err.startswith("faqmatch: "), self
        assert self.err.count("\n") == 1, self
        return self.err.removeprefix("faqmatch: ").rstrip("\n")


Command = Callable[..., Ran]


@pytest.fixture
def faqmatch(tmp_path) -> Command:
    """Run the command line as a process of its own, in a folder of its own.

    `before` goes before the command; `packages` is a folder of packages instead of this environment's.
    """

    def run(*arguments: object, before: tuple[str, ...] = (), packages: Path | None = None, **environment: str) -> Ran:
        ours = ("FAQMATCH_", "LC_", "LANG")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        path = [str(REPOSITORY)] if packages is None else [str(REPOSITORY), str(packages)]
        python = [sys.executable, "-W", "error"] if packages is None else [sys.executable, "-W", "error", "-S"]
        command = [argument if isinstance(argument, bytes) else str(argument) for argument in arguments]
        ended = subprocess.run(
            [*before, *python, "-m", "service.cli", *command],
            cwd=tmp_path,
            env={
                **inherited,
                "PYTHONPATH": os.pathsep.join(path),
                "HOME": str(tmp_path),
                "LANG": "C.UTF-8",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ran(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    return run


@pytest.fixture(scope="session")
def damage() -> Callable[[Path], None]:
    """Turn one bit in the middle of a file."""

    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.unlink()
        file.write_bytes(content)

    return damage
