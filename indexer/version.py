"""One immutable, checksummed index of a knowledge base on disk.

manifest.json     indexer/manifest.py
entries.jsonl     the entries, one a line
phrasings.jsonl   row of the index -> entry, phrasing, and its two normal forms
vectors.npy       (phrasings, dim) float32
dense.faiss       the index over them
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import durable
from indexer.dense import VectorIndex
from indexer.entry import Entry
from indexer.errors import VersionError
from indexer.manifest import Manifest
from models import normalise
from models.message import Message
from models.types import EncoderSpec, Vectors

NAME_TIME = "%Y%m%dT%H%M%S%f"
_UNSEALED = "00000000"
_CANARIES = 100
_CANARY_TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Phrasing:
    """One text of an entry with its normal forms: one row of the index."""

    entry: int
    """Position among the version's entries."""
    phrasing: int
    """Position among the entry's phrasings."""
    text: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version whose every byte was compared with its manifest before it was read."""

    directory: Path
    manifest: Manifest
    entries: tuple[Entry, ...]
    phrasings: tuple[Phrasing, ...]
    index: VectorIndex

    @property
    def entry_of_row(self) -> NDArray[np.int64]:
        """(phrasings,): the entry that each row of the index belongs to."""
        return np.fromiter((p.entry for p in self.phrasings), np.int64, len(self.phrasings))


def list_phrasings(entries: Sequence[Entry]) -> Iterator[Phrasing]:
    """Give every phrasing of every entry, in order: the rows of an index."""
    for number, entry in enumerate(entries):
        for place, phrasing in enumerate(entry.phrasings):
            yield Phrasing(entry=number, phrasing=place, text=normalise.text(phrasing), key=normalise.key(phrasing))


def write_version(
    staging: Path,
    *,
    kb: str,
    created: datetime,
    encoder: EncoderSpec,
    entries: Sequence[Entry],
    phrasings: Sequence[Phrasing],
    vectors: Vectors,
    revision: int = 0,
    model_seal: str | None = None,
) -> Manifest:
    """Write all files of a version into an empty staging folder; the manifest has the name it is to be moved to.

    `created` is in UTC.
    """
    index = VectorIndex.build(vectors)
    array = io.BytesIO()
    np.save(array, vectors, allow_pickle=False)
    contents: dict[str, Iterable[bytes | memoryview]] = {
        "entries.jsonl": [serialise_entries(entries)],
        "phrasings.jsonl": [_json_lines(vars(phrasing) for phrasing in phrasings)],
        "vectors.npy": [array.getbuffer()],
        "dense.faiss": [index.to_bytes().data],
    }
    sha256 = {}
    for file, chunks in contents.items():
        durable.write_file(staging / file, chunks)
        sha256[file] = hashlib.sha256(b"".join(chunks)).hexdigest()
    unsealed = Manifest(
        version=f"{created.strftime(NAME_TIME)}-{_UNSEALED}",
        kb=kb,
        created=created.isoformat(),
        encoder=encoder,
        index=index.spec,
        normaliser_version=normalise.NORMALISER_VERSION,
        entries=len(entries),
        phrasings=len(phrasings),
        revision=revision,
        sha256=sha256,
        model_seal=model_seal,
    )
    manifest = replace(unsealed, version=_sealed_name(unsealed.version, unsealed.to_bytes()))
    durable.write_file(staging / "manifest.json", [manifest.to_bytes()])
    return manifest


def serialise_entries(entries: Iterable[Entry]) -> bytes:
    """Give the content of `entries.jsonl`: equal entries give equal bytes."""
    return _json_lines(entry.to_json() for entry in entries)


def open_version(directory: Path, manifest_sha256: str | None = None) -> Version:
    """Verify and load a version; VersionError names the file that is missing, damaged or does not fit.

    `manifest_sha256` is what CURRENT recorded of the manifest, where the version is the current one.
    """
    manifest = read_manifest(directory, manifest_sha256)
    if manifest.normaliser_version != normalise.NORMALISER_VERSION:
        problem = Message(
            "{version}: built with normal forms {built}, this release has {known}",
            version=directory.name,
            built=manifest.normaliser_version,
            known=normalise.NORMALISER_VERSION,
        )
        raise VersionError(Message("{problem}: {fix}", problem=problem, fix=Message("index again")))
    content = {name: _read_verified(directory / name, recorded) for name, recorded in manifest.sha256.items()}
    try:
        entries = tuple(Entry.from_json(json.loads(line)) for line in content["entries.jsonl"].splitlines())
        phrasings = tuple(Phrasing(**json.loads(line)) for line in content["phrasings.jsonl"].splitlines())
        index = VectorIndex.from_bytes(content["dense.faiss"], manifest.index)
    except (KeyError, ValueError, TypeError) as error:
        problem = Message(
            "{version}: does not hold what its manifest says ({reason})", version=directory.name, reason=repr(error)
        )
        raise _damaged(problem) from error
    fits = (
        len(entries) == manifest.entries
        and len(phrasings) == len(index) == manifest.phrasings
        and index.dim == manifest.encoder.dim
        and all(0 <= p.entry < len(entries) and p.phrasing < len(entries[p.entry].phrasings) for p in phrasings)
    )
    if not fits:
        raise _damaged(Message("{version}: its files do not fit one another", version=directory.name))
    return Version(directory=directory, manifest=manifest, entries=entries, phrasings=phrasings, index=index)


def read_manifest(directory: Path, manifest_sha256: str | None = None) -> Manifest:
    """Read and check `manifest.json` alone."""
    file = directory / "manifest.json"
    content = _read_verified(file, manifest_sha256)
    manifest = Manifest.from_bytes(content, file)
    if manifest.version != directory.name and not directory.name.startswith(durable.STAGING_PREFIX):
        raise _damaged(Message("{file}: is the manifest of version {version}", file=file, version=manifest.version))
    if _sealed_name(manifest.version, content) != manifest.version:
        problem = Message("{file}: was changed or damaged (the version's name holds the hash of another)", file=file)
        raise _damaged(problem)
    return manifest


def check_canaries(version: Version, vectors: Vectors) -> None:
    """Search a sample of phrasings by their own vectors; VersionError when one does not find itself, or its equal."""
    step = max(1, len(vectors) // _CANARIES)
    similarities, rows = version.index.search(vectors[::step], 1)
    recorded = (vectors[rows[:, 0]] * vectors[::step]).sum(axis=1)  # low where rows of the index stand in wrong order
    lost = np.flatnonzero(np.minimum(similarities[:, 0], recorded) < 1 - _CANARY_TOLERANCE)
    if len(lost):
        text = version.phrasings[int(lost[0]) * step].text
        raise VersionError(
            Message("the new index does not find {text!r} by itself: nothing was published; index again", text=text)
        )


def _sealed_name(version: str, manifest: bytes) -> str:
    """Give `<time>-<hash8>`, the hash being that of the manifest's bytes, in which the name's own hash counts as zeros.

    It covers versions that CURRENT does not name, whose manifests nothing else records.
    """
    time = version.partition("-")[0]
    unsealed = manifest.replace(f'"version": "{version}"'.encode(), f'"version": "{time}-{_UNSEALED}"'.encode(), 1)
    return f"{time}-{hashlib.sha256(unsealed).hexdigest()[:8]}"


def _read_verified(file: Path, recorded: str | None) -> bytes:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise _damaged(Message("{file}: is missing", file=file)) from None
    except OSError as error:
        raise _damaged(Message("{file}: cannot be read ({reason})", file=file, reason=error.strerror)) from error
    if recorded is not None and hashlib.sha256(content).hexdigest() != recorded:
        raise _damaged(Message("{file}: was changed or damaged (its SHA-256 differs)", file=file))
    return content


def _damaged(problem: Message) -> VersionError:
    return VersionError(Message("{problem}: {fix}", problem=problem, fix=Message("roll back, or index again")))


def _json_lines(rows: Iterable[object]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
