"""The batch reindexing job: entries in, a published version out, and nothing changed when anything fails."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from indexer.cache import EmbeddingCache
from indexer.current import read_current
from indexer.entry import Entry
from indexer.errors import HomeError, VersionError
from indexer.home import Home, KnowledgeBaseFolder, staging_folder
from indexer.model_seal import seal_of
from indexer.near_duplicates import IndexedPhrasings
from indexer.publishing import publish, publish_lock, tidy_up
from indexer.version import Version, check_canaries, list_phrasings, open_version, serialise_entries, write_version
from indexer.version_list import next_version_time
from models import normalise
from models.types import Encoder

Progress = Callable[[str, int, int], None]
"""(stage, done, total)"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a reindex did, by entry id against the version that was current before."""

    version: str
    published: bool
    """False where the current version holds exactly this already."""
    entries: int
    phrasings: int
    encoded: int
    """Texts that the encoder had to see; the others were in the cache."""
    new: int
    changed: int
    unchanged: int
    removed: tuple[str, ...]
    """Ids, in the order of the version before."""
    indexed: IndexedPhrasings | None
    """What was published, to look for near-duplicates of the new and changed entries: unchanged ones were looked from
    when they came, also where a later model encodes them otherwise. None where nothing was published."""
    warning: str | None
    """What went wrong after the version was published, which it stays."""


def reindex(
    home: Home,
    kb: KnowledgeBaseFolder,
    entries: Sequence[Entry],
    encoder: Encoder,
    on_progress: Progress | None = None,
) -> Outcome:
    """Build a version of `entries`, verify it and make it current.

    Raises PublishError when another process publishes this knowledge base, HomeError when the disk refuses,
    VersionError when the new version does not pass its checks; the current version then stays current.
    """
    report = on_progress or _silent
    with publish_lock(kb):
        before = _open_current(kb)
        old = {entry.id: entry for entry in before.entries} if before else {}
        touched = [number for number, entry in enumerate(entries) if old.get(entry.id) != entry]
        same = len(entries) - len(touched)
        known = {entry.id for entry in entries} & old.keys()
        counts = {"new": len(entries) - len(known), "changed": len(known) - same, "unchanged": same}
        removed = tuple(identifier for identifier in old if identifier not in known)
        phrasings = tuple(list_phrasings(entries))
        serialised = hashlib.sha256(serialise_entries(entries)).hexdigest()
        seal = seal_of(home.model_path(encoder.spec))
        if before and _is_same(before, serialised, encoder, seal):
            return Outcome(
                version=before.manifest.version,
                published=False,
                entries=len(entries),
                phrasings=len(phrasings),
                encoded=0,
                removed=removed,
                indexed=None,
                warning=_tidy_up(kb),
                **counts,
            )
        with EmbeddingCache(home.cache_file(encoder.spec)) as cache:
            vectors, encoded = cache.encode(encoder, [p.text for p in phrasings], partial(report, "encode"))
        with staging_folder(kb.versions) as staging:
            report("index", 0, len(phrasings))
            name = write_version(
                staging,
                kb=kb.name,
                created=next_version_time(kb),
                encoder=encoder.spec,
                entries=entries,
                phrasings=phrasings,
                vectors=vectors,
                model_seal=seal,
            ).version
            report("index", len(phrasings), len(phrasings))
            check_canaries(open_version(staging), vectors)
            publish(kb, staging, name)
        warning = _tidy_up(kb)
    return Outcome(
        version=name,
        published=True,
        entries=len(entries),
        phrasings=len(phrasings),
        encoded=encoded,
        removed=removed,
        indexed=IndexedPhrasings(entries=entries, phrasings=phrasings, vectors=vectors, changed=touched),
        warning=warning,
        **counts,
    )


def _open_current(kb: KnowledgeBaseFolder) -> Version | None:
    """Give the current version, None where there is none or it is damaged: then everything is built anew."""
    try:
        current = read_current(kb)
        return open_version(kb.versions / current.version, current.manifest_sha256) if current else None
    except VersionError:
        return None


def _tidy_up(kb: KnowledgeBaseFolder) -> str | None:
    """Remove old versions and leftovers; give what went wrong, which takes nothing back of what was published."""
    try:
        tidy_up(kb)
    except (HomeError, VersionError, OSError) as error:
        return f"what is no longer needed could not be removed: {error}"
    return None


def _is_same(version: Version, entries_sha256: str, encoder: Encoder, model_seal: str | None) -> bool:
    manifest = version.manifest
    return (
        manifest.sha256["entries.jsonl"] == entries_sha256
        and manifest.encoder.digest == encoder.spec.digest
        and manifest.model_seal == model_seal
        and manifest.normaliser_version == normalise.NORMALISER_VERSION
    )


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Report to nobody."""
