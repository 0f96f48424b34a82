"""The versions of a knowledge base that lie on disk: their names, and what is wrong with them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from indexer.current import read_current, with_way_out
from indexer.errors import KnowledgeBaseError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.manifest import Manifest
from indexer.version import NAME_TIME, open_version, read_manifest
from models.message import Message

_NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}")


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


def version_names(kb: KnowledgeBaseFolder) -> list[str]:
    """Names of the versions on disk, oldest first. What else lies there is somebody else's and stays."""
    if not kb.versions.is_dir():
        return []
    return sorted(path.name for path in kb.versions.iterdir() if _NAME.fullmatch(path.name))


def next_version_time(kb: KnowledgeBaseFolder) -> datetime:
    """Give the time that a new version is to be named by: now, but later than every version on disk."""
    now = datetime.now(UTC)
    names = version_names(kb)
    if names:
        newest = datetime.strptime(names[-1].partition("-")[0], NAME_TIME).replace(tzinfo=UTC)
        now = max(now, newest + timedelta(microseconds=1))  # whatever the clock does
    return now


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
        problem = with_way_out(kb, Message("{file}: is missing", file=kb.versions / current.version))
        listed.append(ListedVersion(name=current.version, current=True, manifest=None, problem=problem))
    return listed


def folder_size(path: Path) -> int:
    """Bytes of the files directly in `path`."""
    return sum(entry.stat().st_size for entry in path.iterdir())
