"""How busy a machine was with other things while something was measured on it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_IDLE: Final = (3, 4)
"""Places of idle and iowait in the first line of /proc/stat (proc(5)); steal, time that other guests took, is busy."""
_COUNTED: Final = 8


@dataclass(frozen=True, kw_only=True)
class CpuClock:
    """Seconds since some moment."""

    wall: float
    busy: float
    """Of all cores together."""
    own: float
    """Of this process and of the children it has waited for."""

    def others_since(self, begin: "CpuClock") -> float:
        """Give the cores that worked for somebody else, on average since `begin`; one's children must have ended."""
        taken = (self.busy - begin.busy) - (self.own - begin.own)
        return max(0.0, taken / (self.wall - begin.wall))


def read_cpu_clock() -> CpuClock:
    """Look at the clocks now."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1 : 1 + _COUNTED]
    busy = sum(int(ticks) for place, ticks in enumerate(fields) if place not in _IDLE) / _TICKS
    return CpuClock(wall=time.monotonic(), busy=busy, own=sum(os.times()[:4]))
