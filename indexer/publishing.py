"""Which version of a knowledge base is served: CURRENT, the lock of its one publisher, roll back, retention."""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from indexer import durable
from indexer.errors import IndexerError, PublishError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.manifest import Manifest
from indexer.version import open_version, read_manifest

KEPT_VERSIONS = 3
_NAME_TIME = "%Y%m%dT%H%M%S%f"
_NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class Current:
    """Content of CURRENT."""

    version: str
    manifest_sha256: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class ListedVersion:
    """A version that lies on disk. `problem` is None where all its hashes agree (or were not looked at)."""

    name: str
    current: bool
    manifest: Manifest | None
    problem: str | None


@contextmanager
def publish_lock(kb: KnowledgeBaseFolder) -> Iterator[None]:
    """Hold the knowledge base's publish lock; PublishError names the process that holds it.

    The kernel gives the lock back when its holder dies, however it dies.
    """
    durable.make_directory(kb.versions)
    with durable.named_errors(kb.lock_file):
        lock = kb.lock_file.open("a+b", buffering=0)
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(32).decode("ascii", "replace").strip() or "unknown"
            raise PublishError(
                f"knowledge base {kb.name} is being published by process {holder}: wait for it, or stop it"
            ) from None
        with durable.named_errors(kb.lock_file):
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        durable.sweep_leftovers(kb.versions)
        yield


def read_current(kb: KnowledgeBaseFolder) -> Current | None:
    """Give what CURRENT says, None before the first publish; VersionError when it is damaged."""
    try:
        return Current(**json.loads(kb.current_file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise VersionError(f"{kb.current_file}: is damaged ({error}): faqmatch rollback --kb {kb.name}") from error


def make_current(kb: KnowledgeBaseFolder, version: str) -> None:
    """Point CURRENT at a version that lies in its place, in one step."""
    content = (kb.versions / version / "manifest.json").read_bytes()
    manifest = Manifest.from_bytes(content, kb.versions / version / "manifest.json")
    current = Current(version=version, manifest_sha256=hashlib.sha256(content).hexdigest(), revision=manifest.revision)
    durable.replace_file(kb.current_file, (json.dumps(vars(current)) + "\n").encode())


def next_version_name(kb: KnowledgeBaseFolder, content_sha256: str) -> tuple[str, str]:
    """Give `<UTC time to the microsecond>-<hash8>` and that time in ISO 8601; later names sort after earlier ones."""
    now = datetime.now(UTC)
    names = version_names(kb)
    if names:
        newest = datetime.strptime(names[-1].partition("-")[0], _NAME_TIME).replace(tzinfo=UTC)
        now = max(now, newest + timedelta(microseconds=1))  # whatever the clock does
    return f"{now.strftime(_NAME_TIME)}-{content_sha256[:8]}", now.isoformat()


def version_names(kb: KnowledgeBaseFolder) -> list[str]:
    """Names of the versions on disk, oldest first. What else lies there is somebody else's and stays."""
    if not kb.versions.is_dir():
        return []
    return sorted(path.name for path in kb.versions.iterdir() if _NAME.fullmatch(path.name))


def list_versions(kb: KnowledgeBaseFolder, *, verify: bool = False) -> list[ListedVersion]:
    """List the versions, oldest first; with `verify` every file of each is compared with its hash and loaded."""
    try:
        current, listed = read_current(kb), []
    except VersionError as error:
        current, listed = None, [ListedVersion(name="CURRENT", current=True, manifest=None, problem=str(error))]
    for name in version_names(kb):
        is_current = current is not None and current.version == name
        recorded = current.manifest_sha256 if current is not None and is_current else None
        manifest = problem = None
        try:
            manifest = read_manifest(kb.versions / name, recorded)
            if verify:
                open_version(kb.versions / name, recorded)
        except VersionError as error:
            problem = str(error)
        listed.append(ListedVersion(name=name, current=is_current, manifest=manifest, problem=problem))
    if current is not None and current.version not in version_names(kb):
        problem = f"{kb.versions / current.version}: is missing: faqmatch rollback --kb {kb.name}"
        listed.append(ListedVersion(name=current.version, current=True, manifest=None, problem=problem))
    return listed


def roll_back(kb: KnowledgeBaseFolder, to: str | None = None) -> str:
    """Make another version current, by default the newest whole one before the current; give its name.

    VersionError when there is none, or when `to` is missing or damaged: CURRENT then stays as it is.
    """
    with publish_lock(kb):
        names = version_names(kb)
        if to is not None:
            if to not in names:
                raise VersionError(f"version {to}: not found (there: {', '.join(names) or 'none'})")
            open_version(kb.versions / to)
            make_current(kb, to)
            return to
        for name in reversed([name for name in names if name < _current_name(kb)]):
            try:
                open_version(kb.versions / name)
            except IndexerError:
                continue
            make_current(kb, name)
            return name
        raise VersionError(f"knowledge base {kb.name}: no whole version before the current one: index again")


def remove_old_versions(kb: KnowledgeBaseFolder) -> None:
    """Keep the newest versions and the current one. The caller holds the publish lock."""
    current = _current_name(kb)
    for name in version_names(kb)[:-KEPT_VERSIONS]:
        if name != current:
            durable.remove_tree(kb.versions / name)


def _current_name(kb: KnowledgeBaseFolder) -> str:
    try:
        current = read_current(kb)
    except VersionError:
        current = None
    return current.version if current is not None else "~"  # sorts after every version


def folder_size(path: Path) -> int:
    """Bytes of the files directly in `path`."""
    return sum(entry.stat().st_size for entry in path.iterdir())
