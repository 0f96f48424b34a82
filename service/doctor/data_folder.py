"""Checks of the data folder as a folder: disk, rights, leftovers."""

import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from indexer import durable
from indexer.errors import HomeError
from indexer.home import Home, KnowledgeBaseFolder
from models.message import Message
from service.doctor.finding import Finding, problem_and_fix

LEAST_DISK: Final = 200_000_000
_VERSIONS_IN_HAND: Final = 3
_MB: Final = 1_000_000


def check_disk(free: int, largest_version: int) -> Finding:
    """Compare the free bytes of the disk with what index runs need."""
    disk, told = Message("disk"), Message("{free:,} MB free", free=free // _MB)
    fix = Message("free some space, or choose another folder with --home")
    if free < LEAST_DISK:
        return Finding.fail(disk, Message("{free}, {least} MB are the least", free=told, least=LEAST_DISK // _MB), fix)
    if free < _VERSIONS_IN_HAND * largest_version:
        found = Message(
            "{free}, less than {times} times the largest version ({largest:,} MB)",
            free=told,
            times=_VERSIONS_IN_HAND,
            largest=largest_version // _MB,
        )
        return Finding.warn(disk, found, fix)
    return Finding.ok(disk, told)


def check_writable(home: Home) -> Finding:
    """Make a file without a name in every folder of the home that runs write in; nothing stays."""
    if not home.path.exists():
        parent = nearest_folder(home.path)
        try:
            durable.check_writable(parent)
        except HomeError as error:
            return _refused_to_write(error)
        found = Message("{folder} is not there yet: the first run makes it", folder=home.path)
        return Finding.ok(Message("data folder"), found)
    kbs = [folder for kb in subfolders(home.path / "kbs") for folder in (kb, kb / "versions")]
    try:
        for folder in (home.path, *(home.path / name for name in ("kbs", "models", "cache")), *kbs):
            if folder.exists():
                durable.check_writable(folder)
    except HomeError as error:
        return _refused_to_write(error)
    return Finding.ok(Message("data folder"), Message("{folder} can be written", folder=home.path))


def check_leftovers(home: Home) -> Iterator[Finding]:
    """Look for what killed runs left; what a run writes at this moment is no leftover."""
    found = []
    kbs = [KnowledgeBaseFolder(path) for path in subfolders(home.path / "kbs")]
    for kb in kbs:
        if (holder := _holder_of(kb.lock_file)) is not None:
            publishing = Message("is being published by process {holder}", holder=holder or Message("unknown"))
            yield Finding.ok(Message("{name}", name=kb.name), publishing)
            continue
        found += [*_staged(kb.path), *_staged(kb.versions)]
        found += [kb.publishing_file] if kb.publishing_file.exists() else []
    if _holder_of(home.path / "models.lock") is None:
        found += _staged(home.path / "models")
    if found:
        names = ", ".join(str(path.relative_to(home.path)) for path in found)
        told, fix = (
            Message("{names}, of runs that were killed", names=names),
            Message("the next index run removes them"),
        )
        yield Finding.warn(Message("leftovers"), told, fix)
    else:
        yield Finding.ok(Message("leftovers"), Message("none"))


def nearest_folder(path: Path) -> Path:
    """Give the path itself, or its nearest parent that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def subfolders(parent: Path) -> list[Path]:
    """Give the folders in `parent` that are no leftovers, in name order."""
    return sorted(path for path in parent.glob("*/") if not path.name.startswith(durable.STAGING_PREFIX))


def _refused_to_write(error: HomeError) -> Finding:
    problem, fix = problem_and_fix(error.message, Message("look at the disk and its messages"))
    return Finding.fail(Message("data folder"), problem, fix)


def _staged(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{durable.STAGING_PREFIX}*"))


def _holder_of(lock_file: Path) -> str | None:
    """Give the process id that stands in a lock file which is held at this moment, None where nobody holds it."""
    try:
        with lock_file.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read(32).decode("ascii", "replace").strip()
    except FileNotFoundError:
        pass
    return None
