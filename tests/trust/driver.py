"""Runs each task of standard input, a line of JSON, in a forked child that writes down what it does to the disk.

The child stops itself by SIGKILL at the step of indexer/durable.py that it is told, or is stopped from outside after
a time. A step stands in the trace as ["step", name, path], a call of the system as ["call", name, path, ...].
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from indexer import durable
from indexer.entries import Reading
from indexer.entry import Entry
from indexer.home import Home
from indexer.publishing import publish_lock
from indexer.reindex import reindex
from indexer.rollback import roll_back
from indexer.row import Place
from indexer.version_list import version_names
from models.directory import open_directory
from models.encoder import OnnxEncoder
from service.commands.index import IndexOptions, index

QUESTIONS = {"reset": "How do I reset my password?", "parcel": "Where is my parcel?", "pay": "How can I pay?"}
WRITING = os.O_WRONLY | os.O_RDWR
UNNAMED = os.O_TMPFILE & ~os.O_DIRECTORY


def numbered(number: int) -> tuple[Entry, ...]:
    """As in conftest.py."""
    return tuple(
        Entry(id=name, question=question, similar=(f"{name} {number}",), answer=f"{name} {number}")
        for name, question in QUESTIONS.items()
    )


class Recorder:
    """Writes the trace, each line by one call, so that it ends where the process ends."""

    def __init__(self, file: str, home: str, stop: int | None, half: bool) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
        self._home = home
        self._parent = str(Path(home).parent)
        self._stop = stop
        self._half = half
        self._steps = 0

    def install(self) -> None:
        durable.observer = self._step
        os.fsync = self._record_fsync
        sys.addaudithook(self._audit)

    def _step(self, step: str, path: Path) -> None:
        if self._steps == self._stop:
            if self._half:
                do_half(step, path)
            os.kill(os.getpid(), signal.SIGKILL)
        self._steps += 1
        self._write("step", step, str(path))

    def _record_fsync(self, descriptor: int) -> None:
        """Record it and leave it out: a kill shows no missing fsync, so that a real one would only take time."""
        self._write("call", "fsync", path_of(descriptor))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        match event, arguments:
            case "open", (str(path), _, int(flags)) if flags & UNNAMED:
                self._write("call", "unnamed", path)
            case "open", (str(path), _, int(flags)) if flags & WRITING and path != self._home:
                self._write("call", "open", path)
            case "os.rename", (source, target, *_):
                self._write("call", "rename", str(source), str(target))
            case "os.mkdir", (path, *_):
                self._write("call", "mkdir", str(path))
            case (("os.remove" | "os.rmdir"), (path, folder)):
                whole = str(path) if folder == -1 else f"{path_of(folder)}/{path}"
                self._write("call", "remove", whole)

    def _write(self, *line: str) -> None:
        if any(part.startswith(self._home) or part == self._parent for part in line):
            os.write(self._descriptor, f"{json.dumps(line)}\n".encode())


def path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def do_half(step: str, path: Path) -> None:
    """Leave behind what a process does that is stopped in the middle of the write or the removal that is under way."""
    if step == "fsync" and path.is_file():
        os.truncate(path, path.stat().st_size // 2)
    elif step == "remove" and path.is_dir():
        for file in sorted(path.iterdir())[:1]:
            file.unlink()


def reading_of(entries: tuple[Entry, ...]) -> Reading:
    """Give what a file of these entries would be read as, one a row."""
    return Reading(
        entries=entries,
        places={entry.id: Place(row=row) for row, entry in enumerate(entries, start=2)},
        notices=(),
        complaints=(),
        rows=len(entries),
        folded=0,
        rejected_ids=frozenset(),
        rejected_without_id=0,
        sheets=(),
    )


def run_task(task: str, home: Home, models: list[str], number: int, kb_name: str) -> None:
    kb = home.knowledge_base(kb_name)
    _, new = models
    match task:
        case "index":
            index(home, kb_name, reading_of(numbered(number)), IndexOptions(model=new))
        case "publish":
            [path] = (home.path / "models").glob("new@*")
            reindex(home, kb, numbered(number), OnnxEncoder.open(path))
        case "rollback":
            roll_back(kb, version_names(kb)[0])
        case "rollback one":
            roll_back(kb)
        case "copy":
            home.adopt_model(open_directory(Path(new)))
        case "hold":
            with publish_lock(kb):
                time.sleep(60)


def run_child(task: dict[str, Any], out: int) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if "largest_file" in task:
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["largest_file"], task["largest_file"]))
        task["trace"] = os.devnull  # the trace itself would be too large
    Recorder(task["trace"], task["home"], task.get("stop"), task.get("half", False)).install()
    try:
        run_task(task["task"], Home(Path(task["home"])), task["models"], task.get("number", 4), task.get("kb", "demo"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
        os.write(out, f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        task = json.loads(line)
        error, out = os.pipe()
        child = os.fork()
        if child == 0:
            run_child(task, out)
        os.close(out)
        if "seconds" in task:
            time.sleep(task["seconds"])
            os.kill(child, signal.SIGKILL)
        with os.fdopen(error, "rb") as pipe:
            told = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(status), "error": told, "process": child}), flush=True)


if __name__ == "__main__":
    main()
