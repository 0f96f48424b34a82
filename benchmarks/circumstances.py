"""Where and with what a measurement was made: without it a number cannot be compared with any other."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.machine_use import CpuClock, read_cpu_clock
from service.cores import available_cores

REPOSITORY: Final = Path(__file__).parents[1]
SEED: Final = 20261124
"""Of every choice by chance in the benchmarks."""
_PACKAGES: Final = ("faiss-cpu", "fastapi", "numpy", "onnxruntime", "tokenizers", "uvicorn", "uvloop")
_FLAGS: Final = (
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_int8",
)
"""What the speed of int8 and of the vector search depends on."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Everything about a run that is not in its options."""

    started: str
    """RFC 3339, UTC."""
    command: str
    commit: str
    """`+ uncommitted changes` behind it where the working tree differs."""
    packages: Mapping[str, str]
    python: str
    system: str
    cpu: str
    cpu_flags: tuple[str, ...]
    """Those of `_FLAGS` that the processor has."""
    cores: int
    """That this process may use."""
    memory_gb: float
    load_before: float
    """Processes that ran or waited over the last minute: well below 1 on a machine that is idle."""
    seed: int
    begin: CpuClock
    cores_busy_with_others: float | None = None
    """On average over the whole run; above a tenth, durations are not those of this machine."""

    def complete(self) -> Self:
        """Look again when all is measured and every child process has ended."""
        return replace(self, cores_busy_with_others=round(read_cpu_clock().others_since(self.begin), 2))

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        told = {name: value for name, value in vars(self).items() if name != "begin"}
        return {**told, "packages": dict(self.packages), "cpu_flags": list(self.cpu_flags)}


def observe_circumstances(extra_packages: tuple[str, ...] = ()) -> Circumstances:
    """Look at the machine and the checkout; `extra_packages` are named besides those that serve."""
    return Circumstances(
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_command(),
        commit=_commit(),
        packages={name: _version(name) for name in (*_PACKAGES, *extra_packages)},
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        cpu=_cpu_field("model name") or platform.processor() or "unknown",
        cpu_flags=tuple(flag for flag in _FLAGS if flag in _cpu_field("flags").split()),
        cores=available_cores(),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        load_before=round(os.getloadavg()[0], 2),
        seed=SEED,
        begin=read_cpu_clock(),
    )


def _command() -> str:
    program, *arguments = sys.argv
    name = "python -m benchmarks" if Path(program).parent == Path(__file__).parent else Path(program).name
    return shlex.join([*name.split(), *arguments])


def _commit() -> str:
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return "unknown"
    return commit + (" + uncommitted changes" if _git("status", "--porcelain") else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(REPOSITORY), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu_field(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")
