"""Resident memory of a process, as the kernel counts it (proc(5), /proc/PID/status)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Memory:
    """In MB of a million bytes."""

    resident_mb: float
    peak_mb: float
    """Since the program was started; unlike getrusage's, not that of the process it was forked from."""


def read_memory(process_id: int) -> Memory | None:
    """Look at a process; None where it has ended."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if "VmHWM" not in fields:  # ended, and not yet waited for
        return None
    return Memory(resident_mb=_to_mb(fields["VmRSS"]), peak_mb=_to_mb(fields["VmHWM"]))


def _to_mb(kibibytes: str) -> float:
    return round(int(kibibytes.split()[0]) * 1024 / 1e6, 1)
