"""A file that is written where the user said: whole or not at all, and never over another."""

import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn
from uuid import uuid4

from indexer.complaint import Complaint, either, excerpt
from indexer.durable import STAGING_PREFIX, sync_directory
from indexer.errors import InputError
from models.message import Message


def check_new_file(path: Path, suffixes: Collection[str]) -> None:
    """Raise InputError unless `new_file` can be expected to succeed, for a name that ends in one of `suffixes`."""
    if path.suffix.lower() not in suffixes:
        _refuse(
            path,
            Message("has the suffix {suffix}", suffix=excerpt(path.suffix)),
            Message("give a file that ends in {suffixes}", suffixes=either(suffixes)),
        )
    if os.path.lexists(path):
        _refuse_existing(path)
    with _named_errors(path), tempfile.TemporaryFile(dir=path.parent):
        pass


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a stream to write the file to, which has its name when the block has ended without an error.

    InputError where the name is taken, be it by a link that leads nowhere, or the disk refuses.
    """
    staging = path.with_name(f"{STAGING_PREFIX}{uuid4().hex}")
    with _named_errors(path):
        try:
            with staging.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            _give_name(staging, path)
            sync_directory(path.parent)
        finally:
            staging.unlink(missing_ok=True)


def _give_name(staging: Path, path: Path) -> None:
    """Rename, but never over a file: the one step that the system has for this is a second name."""
    try:
        path.hardlink_to(staging)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names, such as that of a memory stick: hold the name, then replace
        path.touch(exist_ok=False)
        staging.replace(path)


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        _refuse_existing(path)
    except OSError as error:
        problem = Message("cannot be written ({reason})", reason=error.strerror or str(error))
        _refuse(path, problem, Message("choose a folder that this user may write"))


def _refuse_existing(path: Path) -> NoReturn:
    _refuse(path, Message("is there already"), Message("choose another name, or move it away"))


def _refuse(path: Path, problem: Message, fix: Message) -> NoReturn:
    raise InputError(Complaint(file=str(path), problem=problem, fix=fix)) from None
