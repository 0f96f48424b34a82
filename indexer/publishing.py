"""Which version of a knowledge base is served: CURRENT, the lock of its one publisher, roll back, retention."""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import RawIOBase
from pathlib import Path

from indexer import durable
from indexer.errors import HomeError, IndexerError, KnowledgeBaseError, PublishError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.kb_settings import KnowledgeBaseSettings
from indexer.manifest import Manifest
from indexer.version import NAME_TIME, open_version, read_manifest
from models.errors import ModelError
from models.message import Message, reason_of

KEPT_VERSIONS = 3
_LOOKS_FOR_HOLDER = 100
_NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class Current:
    """Content of CURRENT."""

    version: str
    manifest_sha256: str
    revision: int

    def to_bytes(self) -> bytes:
        """Give the file's content: a JSON object that ends with the SHA-256 of its other fields."""
        sha256 = hashlib.sha256(json.dumps(vars(self)).encode()).hexdigest()
        return (json.dumps({**vars(self), "sha256": sha256}) + "\n").encode()


@dataclass(frozen=True, kw_only=True)
class ListedVersion:
    """A version that lies on disk. `problem` is None where all its hashes agree (or were not looked at)."""

    name: str
    current: bool
    manifest: Manifest | None
    problem: Message | None

    def name_in(self, kb: str) -> Message:
        """Give the name with that of its knowledge base, and whether it is the current one."""
        if self.current:
            return Message("{kb} {version} (current)", kb=kb, version=self.name)
        return Message("{kb} {version}", kb=kb, version=self.name)


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


def read_current(kb: KnowledgeBaseFolder) -> Current | None:
    """Give what CURRENT says, None before the first publish; VersionError when it is damaged, or missing after it."""
    try:
        content = kb.current_file.read_bytes()
        fields = json.loads(content)
        del fields["sha256"]
        current = Current(**fields)
        if content != current.to_bytes():
            raise ValueError(Message("its SHA-256 differs"))
    except FileNotFoundError:
        if kb.is_published:
            raise VersionError(_refused(kb, Message("{file}: is missing", file=kb.current_file))) from None
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        problem = Message("{file}: is damaged ({reason})", file=kb.current_file, reason=reason_of(error))
        raise VersionError(_refused(kb, problem)) from error
    return current


def publish(kb: KnowledgeBaseFolder, staging: Path, version: str) -> None:
    """Give a verified staging folder its name and make it current. The caller holds the publish lock.

    PUBLISHING names the version from before the one until after the other: where a run ends in between, the next one
    removes what was never served, lest it be rolled back to, or push out one that was.
    """
    durable.replace_file(kb.publishing_file, f"{version}\n".encode())
    durable.move_into_place(staging, kb.versions / version)
    make_current(kb, version)


def tidy_up(kb: KnowledgeBaseFolder) -> None:
    """Remove what is not needed once a version was published. The caller holds the publish lock.

    HomeError names the first that cannot be removed, when the rest is gone.
    """
    try:
        _sweep(kb)
    finally:
        remove_old_versions(kb)


def make_current(kb: KnowledgeBaseFolder, version: str) -> None:
    """Point CURRENT at a version that lies in its place, in one step. The caller holds the publish lock."""
    content = (kb.versions / version / "manifest.json").read_bytes()
    manifest = Manifest.from_bytes(content, kb.versions / version / "manifest.json")
    current = Current(version=version, manifest_sha256=hashlib.sha256(content).hexdigest(), revision=manifest.revision)
    if not kb.is_published and not kb.settings_file.exists():
        kb.write_settings(KnowledgeBaseSettings(name=kb.name))
    durable.replace_file(kb.current_file, current.to_bytes())


def next_version_time(kb: KnowledgeBaseFolder) -> datetime:
    """Give the time that a new version is to be named by: now, but later than every version on disk."""
    now = datetime.now(UTC)
    names = version_names(kb)
    if names:
        newest = datetime.strptime(names[-1].partition("-")[0], NAME_TIME).replace(tzinfo=UTC)
        now = max(now, newest + timedelta(microseconds=1))  # whatever the clock does
    return now


def version_names(kb: KnowledgeBaseFolder) -> list[str]:
    """Names of the versions on disk, oldest first. What else lies there is somebody else's and stays."""
    if not kb.versions.is_dir():
        return []
    return sorted(path.name for path in kb.versions.iterdir() if _NAME.fullmatch(path.name))


def list_versions(kb: KnowledgeBaseFolder, *, verify: bool = False) -> list[ListedVersion]:
    """List the versions, oldest first; with `verify` every file of each is compared with its hash and loaded.

    CURRENT stands among them where it is damaged, and with `verify` kb.json where it is wrong.
    """
    current, listed = None, []
    try:
        current = read_current(kb)
    except VersionError as error:
        listed.append(ListedVersion(name="CURRENT", current=True, manifest=None, problem=error.message))
    try:
        if verify:
            kb.read_settings()
    except KnowledgeBaseError as error:
        listed.append(ListedVersion(name="kb.json", current=False, manifest=None, problem=error.message))
    for name in version_names(kb):
        is_current = current is not None and current.version == name
        recorded = current.manifest_sha256 if current is not None and is_current else None
        manifest = problem = None
        try:
            manifest = read_manifest(kb.versions / name, recorded)
            if verify:
                open_version(kb.versions / name, recorded)
        except VersionError as error:
            if not (kb.versions / name).exists():
                continue  # removed by a publisher since its name was read
            problem = error.message
        listed.append(ListedVersion(name=name, current=is_current, manifest=manifest, problem=problem))
    if current is not None and current.version not in version_names(kb):
        problem = _refused(kb, Message("{file}: is missing", file=kb.versions / current.version))
        listed.append(ListedVersion(name=current.version, current=True, manifest=None, problem=problem))
    return listed


def _refused(kb: KnowledgeBaseFolder, problem: Message) -> Message:
    fix = Message("faqmatch rollback --kb {kb}", kb=kb.name)
    return Message("{problem}: {fix}", problem=problem, fix=fix)


def _take_for_granted(_manifest: Manifest) -> None:
    """Look at no model."""


def roll_back(
    kb: KnowledgeBaseFolder,
    to: str | None = None,
    check_model: Callable[[Manifest], object] = _take_for_granted,
) -> str:
    """Make another version current, by default the newest whole one before the current; give its name.

    `check_model` raises where the model of a version is not to be had. VersionError when there is no version, or when
    `to` is missing or damaged, and what `check_model` raises of `to`: CURRENT then stays as it is.
    """
    with publish_lock(kb):
        names = version_names(kb)
        if to is not None:
            if to not in names:
                there = ", ".join(names) or Message("none")
                raise VersionError(Message("version {version}: not found (there: {there})", version=to, there=there))
            check_model(open_version(kb.versions / to).manifest)
            make_current(kb, to)
            return to
        refused = None
        for name in reversed([name for name in names if name < _current_name(kb)]):
            try:
                check_model(open_version(kb.versions / name).manifest)
            except (IndexerError, ModelError) as error:
                refused = refused or error
                continue
            make_current(kb, name)
            return name
        if refused is None:
            raise VersionError(
                Message("knowledge base {kb}: no whole version before the current one: index again", kb=kb.name)
            )
        raise VersionError(
            Message(
                "knowledge base {kb}: no whole version before the current one ({reason}): index again",
                kb=kb.name,
                reason=refused,
            )
        )


def remove_old_versions(kb: KnowledgeBaseFolder) -> None:
    """Keep the newest versions and the current one. The caller holds the publish lock.

    HomeError names the first that cannot be removed, when the others are gone.
    """
    current = _current_name(kb)
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


def _current_name(kb: KnowledgeBaseFolder) -> str:
    try:
        current = read_current(kb)
    except VersionError:
        current = None
    return current.version if current is not None else "~"  # sorts after every version


def folder_size(path: Path) -> int:
    """Bytes of the files directly in `path`."""
    return sum(entry.stat().st_size for entry in path.iterdir())
