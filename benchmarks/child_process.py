"""`faqmatch` as a process of its own, as an operator starts it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.circumstances import REPOSITORY
from benchmarks.errors import BenchmarkError
from benchmarks.process_memory import read_memory

_LOOK_EVERY: Final = 0.02


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A command that has ended well."""

    output: str
    """What it wrote to standard output."""
    wall_s: float
    peak_mb: float
    """Highest resident memory."""


def faqmatch_command(*arguments: str) -> list[str]:
    """Give the command line of `faqmatch` in this environment, whether it is installed or not."""
    return [sys.executable, "-m", "service.cli", *arguments]


def plain_environment() -> dict[str, str]:
    """Give an environment without the settings of whoever runs the benchmark."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FAQMATCH_")}
    return {**inherited, "PYTHONPATH": str(REPOSITORY)}


def run_measured(command: Sequence[str], folder: Path) -> Finished:
    """Run a command in `folder` to its end; BenchmarkError, with what it wrote, when it fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=plain_environment(), stdout=out, stderr=err)
        peak = 0.0
        while process.poll() is None:
            if memory := read_memory(process.pid):
                peak = memory.peak_mb
            time.sleep(_LOOK_EVERY)
        wall = time.perf_counter() - begin
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise BenchmarkError(f"{' '.join(command[2:5])} ended with {process.returncode}: {err.read().strip()}")
        return Finished(output=out.read(), wall_s=wall, peak_mb=peak)
