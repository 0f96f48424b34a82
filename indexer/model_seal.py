"""The seal of a home's model: the SHA-256 of its `spec.json`, which records those of all its other files.

Each version records the seal of the model it was built with, and so refuses one that was changed since, also where
`spec.json` was made to fit.
"""

from collections.abc import Iterable
from pathlib import Path

from indexer.errors import EncoderMismatch, VersionError
from indexer.manifest import Manifest
from indexer.version import read_manifest
from models.directory import hash_file
from models.message import Message
from models.types import EncoderSpec


def seal_of(model: Path) -> str | None:
    """Give the seal of a model directory, None where there is none."""
    try:
        return hash_file(model / "spec.json")
    except FileNotFoundError:
        return None


def check_seal(model: Path, manifest: Manifest) -> None:
    """Raise EncoderMismatch where a version recorded another seal; one of before there were seals takes any."""
    if manifest.model_seal not in (None, seal_of(model)):
        problem = Message(
            "{file}: was changed or damaged (its SHA-256 differs from what version {version} recorded)",
            file=model / "spec.json",
            version=manifest.version,
        )
        fix = Message("restore it from a backup, or index again")
        raise EncoderMismatch(Message("{problem}: {fix}", problem=problem, fix=fix))


def recorded_seals(versions: Iterable[Path], encoder: EncoderSpec) -> frozenset[str]:
    """Give the seals that versions built with an encoder recorded; those that cannot be read have no say."""
    seals = set()
    for directory in versions:
        try:
            manifest = read_manifest(directory)
        except VersionError:
            continue
        if manifest.encoder.label == encoder.label and manifest.model_seal is not None:
            seals.add(manifest.model_seal)
    return frozenset(seals)
