"""Runs the process that reads a workbook, and ends it: what it says, and why it fell silent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Timer
from typing import Any, BinaryIO, Final

from indexer.message_json import from_json
from indexer.row import MAX_ROW_BYTES
from indexer.workbook_archive import MAX_MEMORY_BYTES, MAX_SECONDS, SAVE_AGAIN, RefusedWorkbook
from models.message import Message

_LONGEST_LINE: Final = 6 * MAX_ROW_BYTES + 1_000_000  # JSON writes a control character in six bytes
_ROOT: Final = str(Path(__file__).parents[1])
_GRACE_SECONDS: Final = 2  # its own alarm comes first


def workbook_messages(
    file: BinaryIO, sheets: Sequence[str], seconds: float = MAX_SECONDS + _GRACE_SECONDS
) -> Generator[dict[str, Any], None, None]:
    """Give the messages of `indexer.workbook_child` as they come, without the one that ends them.

    `file` is an open file of the system; RefusedWorkbook where the process refused it or has ended before its time.
    The process is gone when the last message is given, or the iterator closed.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
        [sys.executable, "-P", "-m", "indexer.workbook_child", json.dumps(list(sheets))],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )
    assert process.stdout is not None
    timer = Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        while (line := process.stdout.readline(_LONGEST_LINE)).endswith(b"\n"):
            message = json.loads(line)
            if "end" in message:
                return
            if "refused" in message:
                raise RefusedWorkbook(from_json(message["refused"]), from_json(message["fix"]))
            if "exhausted" in message:
                raise _exhausted()
            yield message
        code = process.wait()
        raise _overdue() if timer.finished.is_set() else _death(code)
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def _environment() -> dict[str, str]:
    """Give it what it needs to find the same modules, and none of our secrets."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_") and name[:6] != "PYTHON"
    }
    return {**inherited, "PYTHONPATH": os.pathsep.join([_ROOT, *filter(None, sys.path)])}


def _death(code: int) -> RefusedWorkbook:
    match -code:
        case signal.SIGALRM | signal.SIGXCPU:
            return _overdue()
        case signal.SIGABRT | signal.SIGKILL:  # how the foreign code ends without memory, and how the system ends it
            return _exhausted()
        case _:
            return RefusedWorkbook(Message("cannot be read as an Excel workbook"), SAVE_AGAIN)


def _overdue() -> RefusedWorkbook:
    problem = Message("takes more than {seconds} seconds to read", seconds=MAX_SECONDS)
    return RefusedWorkbook(problem, Message("split it, or leave out what the bot does not need"))


def _exhausted() -> RefusedWorkbook:
    megabytes = MAX_MEMORY_BYTES // 1_000_000
    problem = Message("takes more than {megabytes} MB of memory to read", megabytes=megabytes)
    fix = Message("delete cells far below or right of the table (Ctrl+End shows the last), or split it")
    return RefusedWorkbook(problem, fix)
