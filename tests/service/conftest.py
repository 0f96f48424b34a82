"""Services as users meet them: processes of their own that are talked to over a socket."""

import json
import os
import queue
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
