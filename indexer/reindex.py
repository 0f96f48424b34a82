"""The batch reindexing job: entries in, a published version out, and nothing changed when anything fails."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from indexer.cache import EmbeddingCache
from indexer.entry import Entry
from indexer.errors import HomeError, VersionError
from indexer.home import Home, KnowledgeBaseFolder, staging_folder
from indexer.model_seal import seal_of
from indexer.near_duplicates import NearDuplicate, find_near_duplicates
from indexer.publishing import (
    next_version_time,
    publish,
    publish_lock,
    read_current,
    tidy_up,
)
from indexer.version import Version, check_canaries, list_phrasings, open_version, serialise_entries, write_version
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
    removed: int
    near_duplicates: tuple[NearDuplicate, ...]
    """Those of new and changed entries; unchanged ones were looked from when they came, also where a later model
    encodes them otherwise. Empty where nothing was published."""
    has_more_near_duplicates: bool
    """Whether there are too many to give; none of those left out is nearer than the last given."""
    phrasings_not_compared: int
    """Phrasings of new and changed entries from which no near-duplicates were looked for: there are too many."""
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
        known = sum(entry.id in old for entry in entries)
        counts = {"new": len(entries) - known, "changed": known - same, "unchanged": same, "removed": len(old) - known}
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
                near_duplicates=(),
                has_more_near_duplicates=False,
                phrasings_not_compared=0,
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
            version = open_version(staging)
            check_canaries(version, vectors)
            comparison = find_near_duplicates(version, vectors, touched, partial(report, "compare"))
            publish(kb, staging, name)
        warning = _tidy_up(kb)
    return Outcome(
        version=name,
        published=True,
        entries=len(entries),
        phrasings=len(phrasings),
        encoded=encoded,
        near_duplicates=comparison.pairs,
        has_more_near_duplicates=comparison.has_more,
        phrasings_not_compared=comparison.phrasings_left_out,
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
