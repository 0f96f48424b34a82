"""Checks of the machine: Python, cores, processor, memory, clock, output, SQLite."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from indexer.version import NAME_TIME
from service.cores import control_groups, cores_within, lowest_quota
from service.doctor.finding import Finding

OLDEST_PYTHON: Final = (3, 11)
_BUILT: Final = 2026
_MB: Final = 1_000_000


def check_python(version: tuple[int, ...]) -> Finding:
    """Compare the version of Python with the oldest that faqmatch runs on."""
    found, oldest = (".".join(map(str, part)) for part in (version, OLDEST_PYTHON))
    if version < OLDEST_PYTHON:
        return Finding.fail("python", f"{found}, faqmatch needs {oldest}", f"install Python {oldest} or later")
    return Finding.ok("python", found)


def check_cores(affinity: int, root: Path, threads: int | None = None) -> Finding:
    """Count the cores that this process may use, and hold `threads` of the settings against them."""
    quota, cores = lowest_quota(root), cores_within(affinity, root)
    found = f"{cores} usable (affinity {affinity}, cgroup quota {'none' if quota is None else f'{quota:g}'})"
    if quota is not None and quota < 1:
        return Finding.warn("cores", f"{found}: queries are throttled", "give the cgroup at least one core")
    if threads is not None and threads > cores:
        return Finding.warn("cores", f"{found}, but threads = {threads}", f"set threads to {cores}, or leave it out")
    return Finding.ok("cores", found)


def check_processor(cpuinfo: Path) -> Finding:
    """Look for the instructions that int8 arithmetic is fast with; only x86 on Linux tells of them."""
    flags = _flags(cpuinfo)
    if not flags:
        return Finding.ok("processor", "unknown: no x86, or no /proc/cpuinfo")
    missing = [
        name for name, marks in (("AVX2", {"avx2"}), ("VNNI", {"avx512_vnni", "avx_vnni"})) if flags.isdisjoint(marks)
    ]
    if missing:
        found = f"without {' and '.join(missing)}: encoding takes longer"
        fix = "serve from a machine, or with a CPU model of the virtual one, that has it, where time matters"
        return Finding.warn("processor", found, fix)
    return Finding.ok("processor", "AVX2 and VNNI")


def check_memory(needed: int, root: Path) -> Finding:
    """Compare the memory there is, within the limits of the cgroup, with the bytes that serving needs."""
    found = _memory(root)
    if found is None:
        return Finding.ok("memory", f"unknown; {needed // _MB:,} MB are needed")
    total, available = found
    told = f"{available // _MB:,} of {total // _MB:,} MB available, {needed // _MB:,} MB needed"
    if total < needed:
        return Finding.fail("memory", told, "give the machine or the cgroup more memory")
    if available < needed:
        return Finding.warn("memory", told, "stop what else takes memory, unless that is faqmatch itself")
    return Finding.ok("memory", told)


def check_clock(now: datetime, version_names: Iterable[str]) -> Finding:
    """Hold the time in UTC against the year this was written in, and against the names of the versions."""
    told = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    fix = "set the clock (timedatectl set-ntp true)"
    if now.year < _BUILT:
        return Finding.warn("clock", f"{told}: before faqmatch was written", fix)
    newest = max(version_names, default="")
    if newest.partition("-")[0] > now.strftime(NAME_TIME):
        return Finding.warn("clock", f"{told}: version {newest} lies in the future", fix)
    return Finding.ok("clock", told)


def check_output(encoding: str) -> Finding:
    """Look whether what is printed can hold any language."""
    if encoding.lower().replace("-", "") == "utf8":
        return Finding.ok("output", "UTF-8")
    found = f"{encoding}: what it cannot hold is printed as \\uXXXX"
    return Finding.warn("output", found, "use a UTF-8 locale (LANG=C.UTF-8), or set PYTHONIOENCODING=utf-8")


def check_sqlite(version: str) -> Finding:
    """Tell the version of SQLite, for a report of a bug: the cache needs nothing that an old one lacks."""
    return Finding.ok("sqlite", version)


def _flags(cpuinfo: Path) -> set[str]:
    for line in _lines(cpuinfo):
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return set(value.split())
    return set()


def _memory(root: Path) -> tuple[int, int] | None:
    """Give the total and the available bytes; None where the system does not tell."""
    kilobytes = _numbers(root / "proc/meminfo", ":")
    if not {"MemTotal", "MemAvailable"} <= kilobytes.keys():
        return None
    total, available = 1024 * kilobytes["MemTotal"], 1024 * kilobytes["MemAvailable"]
    for limit, used in _memory_limits(root):
        total, available = min(total, limit), min(available, max(0, limit - used))
    return total, available


def _memory_limits(root: Path) -> Iterator[tuple[int, int]]:
    """Give the memory limits in force and what is used of each, not counting files that can be read again."""
    for version, folder in control_groups(root, "memory"):
        names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        limit, used = ("".join(_lines(folder / name)).strip() for name in names)
        stat = _numbers(folder / "memory.stat", " ")
        if limit.isdigit() and used.isdigit():
            yield int(limit), int(used) - stat.get("inactive_file" if version == 2 else "total_inactive_file", 0)


def _numbers(file: Path, separator: str) -> dict[str, int]:
    """Read the lines `name<separator>number ...`."""
    pairs = ((name, value.split()) for name, _, value in (line.partition(separator) for line in _lines(file)))
    return {name: int(words[0]) for name, words in pairs if words and words[0].isdigit()}


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
