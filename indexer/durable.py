"""Every durable write of the data home passes here: write, fsync, rename, fsync of the folder, in that order.

A name that a reader may open holds either the old content or the new one, whenever the machine stops.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from indexer.errors import HomeError
from models.message import Message

STAGING_PREFIX = ".staging-"
_FREE_SPACE = Message("free some space and run it again")
_ELSEWHERE = Message("choose another folder with --home")
_DENIED = (
    Message("permission denied"),
    Message("give this user the right to write there, or choose another folder with --home"),
)
_REASONS = {
    errno.ENOSPC: (Message("the disk is full"), _FREE_SPACE),
    errno.EDQUOT: (Message("the disk quota is used up"), _FREE_SPACE),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: (Message("the file system is read-only"), _ELSEWHERE),
    errno.EFBIG: (Message("it is larger than this process may write"), Message("raise the limit, see ulimit -f")),
    errno.ENOTDIR: (Message("a part of the path is a file"), _ELSEWHERE),
}


def _look_away(_step: str, _path: Path) -> None:
    """Observe nothing."""


observer: Callable[[str, Path], None] = _look_away
"""Called before each step (mkdir, write, fsync, rename, remove) with the path it acts on. Only a test sets it."""


def make_directory(path: Path) -> None:
    """Create a folder and its parents, each made durable in its own parent."""
    with named_errors(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            observer("mkdir", folder)
            folder.mkdir(exist_ok=True)
            sync_directory(folder.parent)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        if not missing:
            with suppress(PermissionError):  # of a parent that is somebody else's
                sync_directory(path.parent)  # whoever made the folder may have been killed before this


def check_writable(folder: Path) -> None:
    """Raise HomeError unless files can be made in `folder`. The file it makes has no name, so that none can stay."""
    with named_errors(folder), tempfile.TemporaryFile(dir=folder):
        pass


def write_file(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file of a staging folder and fsync it. Its name becomes durable with `move_into_place`."""
    observer("write", path)
    with named_errors(path), path.open("wb") as stream:
        stream.writelines(chunks)
        stream.flush()
        observer("fsync", path)
        os.fsync(stream.fileno())


def copy_file(source: Path, target: Path) -> None:
    """Copy a file into a staging folder and fsync it."""
    with source.open("rb") as stream:
        write_file(target, iter(lambda: stream.read(1 << 20), b""))


def move_into_place(staging: Path, target: Path) -> None:
    """Give a complete staging folder its name; both lie in the same folder."""
    with named_errors(target):
        sync_directory(staging)
        observer("rename", target)
        staging.rename(target)
        sync_directory(target.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a small file in one step. Nobody else may be doing so: the caller holds a lock."""
    staging = path.with_name(f"{STAGING_PREFIX}{path.name}")
    write_file(staging, [content])
    with named_errors(path):
        observer("rename", path)
        staging.replace(path)
        sync_directory(path.parent)


def remove_file(path: Path) -> None:
    """Remove a small file; that it is gone is durable."""
    with named_errors(path):
        observer("remove", path)
        path.unlink()
        sync_directory(path.parent)


def remove_tree(path: Path) -> None:
    """Remove a folder: renamed first, so that half of it is never taken for the whole."""
    with named_errors(path):
        doomed = path.with_name(f"{STAGING_PREFIX}removed-{uuid4().hex}")
        if not path.name.startswith(STAGING_PREFIX):
            observer("rename", doomed)
            path.rename(doomed)
            sync_directory(path.parent)
        else:
            doomed = path
        observer("remove", doomed)
        shutil.rmtree(doomed)


def remove_trees(paths: Iterable[Path]) -> None:
    """Remove every folder that can be removed; HomeError names the first that cannot, when the others are gone."""
    _remove_each(remove_tree, paths)


def sweep_leftovers(folder: Path) -> None:
    """Remove what runs that were killed left in `folder`; the caller holds the lock of whoever writes there.

    HomeError names the first that cannot be removed, when the others are gone.
    """
    _remove_each(_remove_leftover, sorted(folder.glob(f"{STAGING_PREFIX}*")))


def sync_directory(path: Path) -> None:
    """Make the names in a folder durable: those too that a killed run gave and left so."""
    observer("fsync", path)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Hold a lock that each holder needs for moments only; who comes second waits.

    The kernel gives it back when its holder dies, however it dies.
    """
    with named_errors(lock_file):
        lock = lock_file.open("ab")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_each(remove: Callable[[Path], None], paths: Iterable[Path]) -> None:
    refused = []
    for path in paths:
        try:
            remove(path)
        except HomeError as error:
            refused.append(error)
    if refused:
        raise refused[0]


def _remove_leftover(path: Path) -> None:
    with named_errors(path):
        observer("remove", path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turn an OSError into a HomeError that names the path and the fix."""
    try:
        yield
    except OSError as error:
        foreign = (error.strerror or str(error), Message("look at the disk and its messages"))
        reason, fix = _REASONS.get(error.errno or 0, foreign)
        problem = Message("{path}: cannot be written, {reason}", path=path, reason=reason)
        raise HomeError(Message("{problem}: {fix}", problem=problem, fix=fix)) from error
