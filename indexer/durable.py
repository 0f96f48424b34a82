"""Every durable write of the data home passes here: write, fsync, rename, fsync of the folder, in that order.

A name that a reader may open holds either the old content or the new one, whenever the machine stops.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from indexer.errors import HomeError

STAGING_PREFIX = ".staging-"
_REASONS = {
    errno.ENOSPC: ("the disk is full", "free some space and run it again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run it again"),
    errno.EACCES: (
        "permission denied",
        "give this user the right to write there, or choose another folder with --home",
    ),
    errno.EPERM: ("permission denied", "give this user the right to write there, or choose another folder with --home"),
    errno.EROFS: ("the file system is read-only", "choose another folder with --home"),
    errno.ENOTDIR: ("a part of the path is a file", "choose another folder with --home"),
}


def make_directory(path: Path) -> None:
    """Create a folder and its parents, each made durable in its own parent."""
    with named_errors(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            _sync_directory(folder.parent)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")


def write_file(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file of a staging folder and fsync it. Its name becomes durable with `move_into_place`."""
    with named_errors(path), path.open("wb") as stream:
        stream.writelines(chunks)
        stream.flush()
        os.fsync(stream.fileno())


def copy_file(source: Path, target: Path) -> None:
    """Copy a file into a staging folder and fsync it."""
    with source.open("rb") as stream:
        write_file(target, iter(lambda: stream.read(1 << 20), b""))


def move_into_place(staging: Path, target: Path) -> None:
    """Give a complete staging folder its name; both lie in the same folder."""
    with named_errors(target):
        _sync_directory(staging)
        staging.rename(target)
        _sync_directory(target.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a small file in one step."""
    staging = path.with_name(f"{STAGING_PREFIX}{path.name}")
    write_file(staging, [content])
    with named_errors(path):
        staging.replace(path)
        _sync_directory(path.parent)


def remove_tree(path: Path) -> None:
    """Remove a folder: renamed first, so that half of it is never taken for the whole."""
    with named_errors(path):
        doomed = path.with_name(f"{STAGING_PREFIX}removed-{uuid4().hex}")
        if not path.name.startswith(STAGING_PREFIX):
            path.rename(doomed)
            _sync_directory(path.parent)
        else:
            doomed = path
        shutil.rmtree(doomed)


def sweep_leftovers(folder: Path) -> None:
    """Remove what a run that was killed left in `folder`. The caller holds the lock of whoever writes there."""
    with named_errors(folder):
        for leftover in folder.glob(f"{STAGING_PREFIX}*"):
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a HomeError that names the path and the fix."""
    try:
        yield
    except OSError as error:
        reason, fix = _REASONS.get(
            error.errno or 0, (error.strerror or str(error), "look at the disk and its messages")
        )
        raise HomeError(f"{path}: cannot be written, {reason}: {fix}") from error
