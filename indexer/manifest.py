"""`manifest.json` of a version: what it was made of, and the SHA-256 of every other file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.dense import IndexSpec
from indexer.errors import VersionError
from models.directory import spec_from_json, spec_to_json
from models.message import Message, reason_of
from models.types import EncoderSpec

FORMAT_VERSION = 2
"""2 since versions record the seal of their model; 1 is still read."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that must agree between an index and whoever serves it."""

    version: str
    kb: str
    created: str
    """UTC, ISO 8601."""
    encoder: EncoderSpec
    index: IndexSpec
    normaliser_version: int
    entries: int
    phrasings: int
    revision: int
    """Revision of the store that it holds; 0 without a store."""
    sha256: Mapping[str, str]
    model_seal: str | None = None
    """Of the home's copy of the encoder (indexer/model_seal.py); None without a copy, and in format 1."""

    def to_bytes(self) -> bytes:
        """Give the content of `manifest.json`."""
        document = {
            "format_version": FORMAT_VERSION,
            **vars(self),
            "encoder": spec_to_json(self.encoder),
            "index": self.index.to_json(),
            "sha256": dict(self.sha256),
        }
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes, source: Path) -> Self:
        """Read a manifest; VersionError when it is damaged or of a later format."""
        try:
            raw = json.loads(content)
            if raw.pop("format_version") > FORMAT_VERSION:
                problem = Message("{file}: written by a later release of faqmatch", file=source)
                fix = Message("upgrade, or index again")
                raise VersionError(Message("{problem}: {fix}", problem=problem, fix=fix))
            encoder, index = spec_from_json(raw.pop("encoder")), IndexSpec(**raw.pop("index"))
            return cls(encoder=encoder, index=index, sha256=dict(raw.pop("sha256")), **raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = Message("{file}: is damaged ({reason})", file=source, reason=reason_of(error))
            fix = Message("roll back, or index again")
            raise VersionError(Message("{problem}: {fix}", problem=problem, fix=fix)) from error
