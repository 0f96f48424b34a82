"""Checks of the machine: Python, cores, processor, memory, clock, output, SQLite."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from indexer.version import NAME_TIME
from models.message import Message, joined
from service.cores import control_groups, cores_within, lowest_quota
from service.doctor.finding import Finding

OLDEST_PYTHON: Final = (3, 11)
_BUILT: Final = 2026
_MB: Final = 1_000_000


def check_python(version: tuple[int, ...]) -> Finding:
    """Compare the version of Python with the oldest that faqmatch runs on."""
    found, oldest = (".".join(map(str, part)) for part in (version, OLDEST_PYTHON))
    if version < OLDEST_PYTHON:
        told = Message("{version}, faqmatch needs {oldest}", version=found, oldest=oldest)
        return Finding.fail(Message("python"), told, Message("install Python {oldest} or later", oldest=oldest))
    return Finding.ok(Message("python"), Message("{name}", name=found))


def check_cores(affinity: int, root: Path, threads: int | None = None) -> Finding:
    """Count the cores that this process may use, and hold `threads` of the settings against them."""
    quota, cores = lowest_quota(root), cores_within(affinity, root)
    what = Message("cores")
    found = Message(
        "{cores} usable (affinity {affinity}, cgroup quota {quota})",
        cores=cores,
        affinity=affinity,
        quota=Message("none") if quota is None else f"{quota:g}",
    )
    if quota is not None and quota < 1:
        throttled = Message("{cores}: queries are throttled", cores=found)
        return Finding.warn(what, throttled, Message("give the cgroup at least one core"))
    if threads is not None and threads > cores:
        too_many = Message("{cores}, but threads = {threads}", cores=found, threads=threads)
        return Finding.warn(what, too_many, Message("set threads to {cores}, or leave it out", cores=cores))
    return Finding.ok(what, found)


def check_processor(cpuinfo: Path) -> Finding:
    """Look for the instructions that int8 arithmetic is fast with; only x86 on Linux tells of them."""
    what, flags = Message("processor"), _flags(cpuinfo)
    if not flags:
        return Finding.ok(what, Message("unknown: no x86, or no /proc/cpuinfo"))
    missing = [
        name for name, marks in (("AVX2", {"avx2"}), ("VNNI", {"avx512_vnni", "avx_vnni"})) if flags.isdisjoint(marks)
    ]
    if missing:
        named = joined([Message("{name}", name=name) for name in missing], Message(" and "))
        found = Message("without {missing}: encoding takes longer", missing=named)
        fix = Message("serve from a machine, or with a CPU model of the virtual one, that has it, where time matters")
        return Finding.warn(what, found, fix)
    return Finding.ok(what, Message("AVX2 and VNNI"))


def check_memory(needed: int, root: Path) -> Finding:
    """Compare the memory there is, within the limits of the cgroup, with the bytes that serving needs."""
    what, found = Message("memory"), _memory(root)
    if found is None:
        return Finding.ok(what, Message("unknown; {needed:,} MB are needed", needed=needed // _MB))
    total, available = found
    told = Message(
        "{available:,} of {total:,} MB available, {needed:,} MB needed",
        available=available // _MB,
        total=total // _MB,
        needed=needed // _MB,
    )
    if total < needed:
        return Finding.fail(what, told, Message("give the machine or the cgroup more memory"))
    if available < needed:
        return Finding.warn(what, told, Message("stop what else takes memory, unless that is faqmatch itself"))
    return Finding.ok(what, told)


def check_clock(now: datetime, version_names: Iterable[str]) -> Finding:
    """Hold the time in UTC against the year this was written in, and against the names of the versions."""
    what, told = Message("clock"), Message("{now:%Y-%m-%d %H:%M:%S} UTC", now=now)
    fix = Message("set the clock (timedatectl set-ntp true)")
    if now.year < _BUILT:
        return Finding.warn(what, Message("{now}: before faqmatch was written", now=told), fix)
    newest = max(version_names, default="")
    if newest.partition("-")[0] > now.strftime(NAME_TIME):
        return Finding.warn(what, Message("{now}: version {version} lies in the future", now=told, version=newest), fix)
    return Finding.ok(what, told)


def check_output(encoding: str) -> Finding:
    """Look whether what is printed can hold any language."""
    if encoding.lower().replace("-", "") == "utf8":
        return Finding.ok(Message("output"), Message("UTF-8"))
    found = Message("{encoding}: what it cannot hold is printed as \\uXXXX", encoding=encoding)
    fix = Message("use a UTF-8 locale (LANG=C.UTF-8), or set PYTHONIOENCODING=utf-8")
    return Finding.warn(Message("output"), found, fix)


def check_sqlite(version: str) -> Finding:
    """Tell the version of SQLite, for a report of a bug: the cache needs nothing that an old one lacks."""
    return Finding.ok(Message("sqlite"), Message("{name}", name=version))


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
