"""The publisher of `publish_under_load`: a process of its own that publishes two contents in turn."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.circumstances import SEED
from benchmarks.knowledge_base import KB
from indexer.current import read_current
from indexer.entries import read_entries
from indexer.entry import Entry
from indexer.home import Home
from indexer.reindex import reindex
from models.encoder import OnnxEncoder
from service.commands.models import DEMO_FAQ

MARKS: Final = ("[content A] ", "[content B] ")
_START: Final = multiprocessing.get_context("spawn")  # a fork would copy the clients' threads in mid-air


@dataclass(frozen=True, kw_only=True)
class Published:
    """A version and the mark that all its answers begin with."""

    version: str
    mark: str
    seconds: float
    """That publishing took."""


def marked_entries(mark: str) -> list[Entry]:
    """Give the bundled FAQ with `mark` before every answer."""
    entries = read_entries(DEMO_FAQ).require_clean().entries
    return [replace(entry, answer=mark + (entry.answer or "")) for entry in entries]


@contextmanager
def publishing(home: Path, times: int, longest_pause_s: float) -> Iterator["Publisher"]:
    """Publish in a process of its own; at the end it is waited for, and stopped where something went wrong."""
    queue: Queue[Published] = _START.Queue()
    process = _START.Process(target=_publish, args=(home, times, longest_pause_s, queue))
    process.start()
    try:
        yield Publisher(process, queue, times)
    except BaseException:
        process.kill()
        raise
    finally:
        process.join()
        queue.close()


class Publisher:
    """What the publishing process has done so far."""

    def __init__(self, process: BaseProcess, queue: "Queue[Published]", times: int) -> None:
        self._process = process
        self._queue = queue
        self._times = times

    def wait(self) -> Sequence[Published]:
        """Wait until all is published; RuntimeError when the process ends before."""
        published: list[Published] = []
        while len(published) < self._times:
            if self._queue.empty() and not self._process.is_alive():
                raise RuntimeError(f"the publisher ended after {len(published)} of {self._times} versions")
            while not self._queue.empty():
                published.append(self._queue.get())
            time.sleep(0.02)
        return published


def _publish(home: Path, times: int, longest_pause_s: float, queue: "Queue[Published]") -> None:
    """Publish `times` versions, pausing by chance, often too short for a service to see every version."""
    pauses = np.random.default_rng(SEED).uniform(0, longest_pause_s, times)
    home_folder = Home(home)
    kb = home_folder.knowledge_base(KB)
    [model] = sorted((home_folder.path / "models").iterdir())
    encoder = OnnxEncoder.open(model)
    contents = [marked_entries(mark) for mark in MARKS]
    for number, pause in enumerate(pauses):
        time.sleep(pause)
        side = (number + 1) % len(MARKS)  # the first of them is what was published before
        begin = time.perf_counter()
        outcome = reindex(home_folder, kb, contents[side], encoder)
        taken = time.perf_counter() - begin
        current = read_current(kb)
        assert outcome.published
        assert current is not None
        assert current.version == outcome.version
        queue.put(Published(version=outcome.version, mark=MARKS[side], seconds=taken))
