"""What makes a version current: the lock of its one publisher, the steps, and what is removed before and after them."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import RawIOBase
from pathlib import Path

from indexer import durable
from indexer.current import Current, current_version, read_current
from indexer.errors import HomeError, PublishError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.kb_settings import KnowledgeBaseSettings
from indexer.manifest import Manifest
from indexer.version_list import version_names
from models.message import Message

KEPT_VERSIONS = 3
_LOOKS_FOR_HOLDER = 100


@contextmanager
def publish_lock(kb: KnowledgeBaseFolder) -> Iterator[None]:
    """Hold the knowledge base's publish lock; PublishError names the process that holds it.

    The kernel gives the lock back when its holder dies, however it dies.
    """
    for folder in (kb.path, kb.versions):
        durable.make_directory(folder)
    with durable.named_errors(kb.lock_file):
        lock = kb.lock_file.open("a+b", buffering=0)
    with lock:
        if holder := _lock_or_find_holder(lock):
            raise PublishError(
                Message(
                    "knowledge base {kb} is being published by process {holder}: wait for it, or stop it",
                    kb=kb.name,
                    holder=holder,
                )
            )
        with durable.named_errors(kb.lock_file):
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        with suppress(HomeError, VersionError):  # what cannot be removed is in nobody's way
            _sweep(kb)
        try:
            yield
        finally:
            lock.truncate(0)


def publish(kb: KnowledgeBaseFolder, staging: Path, version: str) -> None:
    """Give a verified staging folder its name and make it current. The caller holds the publish lock.

    PUBLISHING names the version from before the one until after the other: where a run ends in between, the next one
    removes what was never served, lest it be rolled back to, or push out one that was.
    """
    durable.replace_file(kb.publishing_file, f"{version}\n".encode())
    durable.move_into_place(staging, kb.versions / version)
    make_current(kb, version)


def make_current(kb: KnowledgeBaseFolder, version: str) -> None:
    """Point CURRENT at a version that lies in its place, in one step. The caller holds the publish lock."""
    content = (kb.versions / version / "manifest.json").read_bytes()
    manifest = Manifest.from_bytes(content, kb.versions / version / "manifest.json")
    current = Current(version=version, manifest_sha256=hashlib.sha256(content).hexdigest(), revision=manifest.revision)
    if not kb.is_published and not kb.settings_file.exists():
        kb.write_settings(KnowledgeBaseSettings(name=kb.name))
    durable.replace_file(kb.current_file, current.to_bytes())


def tidy_up(kb: KnowledgeBaseFolder) -> None:
    """Remove what is not needed once a version was published. The caller holds the publish lock.

    HomeError names the first that cannot be removed, when the rest is gone.
    """
    try:
        _sweep(kb)
    finally:
        remove_old_versions(kb)


def remove_old_versions(kb: KnowledgeBaseFolder) -> None:
    """Keep the newest versions and the current one. The caller holds the publish lock.

    HomeError names the first that cannot be removed, when the others are gone.
    """
    current = current_version(kb)
    durable.remove_trees(kb.versions / name for name in version_names(kb)[:-KEPT_VERSIONS] if name != current)


def _sweep(kb: KnowledgeBaseFolder) -> None:
    """Remove what runs that were killed left: a version on its way to CURRENT, and half of whatever was written."""
    _remove_unserved(kb)
    durable.sweep_leftovers(kb.versions)
    with durable.exclusive(kb.settings_lock):
        durable.sweep_leftovers(kb.path)


def _lock_or_find_holder(lock: RawIOBase) -> str | None:
    """Take the lock, or give the process id of who has it: which that one writes a moment after it has taken it."""
    for _ in range(_LOOKS_FOR_HOLDER):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            if holder := (lock.read(32) or b"").decode("ascii", "replace").strip():
                return holder
            time.sleep(0.01)
        else:
            return None
    return Message("unknown")


def _remove_unserved(kb: KnowledgeBaseFolder) -> None:
    if not kb.publishing_file.exists():
        return
    with durable.named_errors(kb.publishing_file):
        version = kb.publishing_file.read_text(encoding="utf-8", errors="replace").strip()
    current = read_current(kb)
    if version in version_names(kb) and (current is None or current.version != version):
        durable.remove_tree(kb.versions / version)
    durable.remove_file(kb.publishing_file)
