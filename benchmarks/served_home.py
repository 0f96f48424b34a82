"""A real `faqmatch serve` process over a home, started and stopped by a benchmark."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.child_process import faqmatch_command, plain_environment
from benchmarks.errors import BenchmarkError
from benchmarks.http_client import Client
from benchmarks.process_memory import Memory, read_memory

_LOOK_EVERY: Final = 0.005
_PATIENCE_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class ServedHome:
    """A service that is ready."""

    host: str
    port: int
    process_id: int
    ready_s: float
    """From the start of the process until /readyz answered 200."""

    def client(self) -> Client:
        """Give a new client, to be used as a context manager."""
        return Client(self.host, self.port)

    def memory(self) -> Memory:
        """Look at the memory of the process; BenchmarkError where it has ended."""
        memory = read_memory(self.process_id)
        if memory is None:
            raise BenchmarkError("the service has ended by itself")
        return memory


@contextmanager
def serve_home(home: Path, threads: int) -> Iterator[ServedHome]:
    """Serve `home` on a free port of this machine, wait until it is ready, stop it at the end."""
    log = home / "serve.log"
    command = faqmatch_command("serve", "--home", str(home), "--port", "0", "--threads", str(threads))
    begin = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=home, env=plain_environment(), stdout=out, stderr=out)
    try:
        address = _wait_until_listening(process, log, begin)
        with Client(*address) as client:
            while client.get("/readyz").status != 200:
                _check_alive(process, log, begin)
                time.sleep(_LOOK_EVERY)
        ready = time.perf_counter() - begin
        yield ServedHome(host=address[0], port=address[1], process_id=process.pid, ready_s=ready)
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _wait_until_listening(process: "subprocess.Popen[bytes]", log: Path, begin: float) -> tuple[str, int]:
    while True:
        for line in log.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n") and line.startswith("{") and json.loads(line).get("event") == "listening":
                url = urlsplit(json.loads(line)["url"])
                assert url.hostname is not None
                assert url.port is not None
                return url.hostname, url.port
        _check_alive(process, log, begin)
        time.sleep(_LOOK_EVERY)


def _check_alive(process: "subprocess.Popen[bytes]", log: Path, begin: float) -> None:
    if process.poll() is not None or time.perf_counter() - begin > _PATIENCE_S:
        last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
        raise BenchmarkError(f"faqmatch serve did not become ready: {' '.join(last) or 'it wrote nothing'}")
