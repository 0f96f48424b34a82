"""The model directory of a reranker: its spec and its digest, under the seal of models/directory.py.

model.onnx        the int8 graph: a pair of texts to a logit
tokenizer.json    a `tokenizers` file
spec.json         RerankerSpec and the SHA-256 of every other file
card.md           data and licences, recipe, measured quality, size, latency
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.directory import (
    PRETRAINED,
    SealedDirectory,
    find_sealed,
    open_sealed,
    plain_name,
    require_digest,
    shipped_rerankers,
    write_sealed,
)
from models.errors import ModelDirectoryError
from models.message import Message
from models.types import RerankerSpec

DEFAULT_RERANKER: Final = "question-reranker-zh-en"


@dataclass(frozen=True, kw_only=True)
class RerankerDirectory(SealedDirectory):
    """That of a reranker."""

    spec: RerankerSpec


def open_reranker_directory(path: Path) -> RerankerDirectory:
    """Read `spec.json` and verify every file; ModelDirectoryError names the file and what is wrong with it."""
    spec, recorded = open_sealed(path, "reranker", _spec_from_json)
    require_digest(path, spec.digest, compute_reranker_digest(recorded, spec.max_tokens))
    return RerankerDirectory(path=path, spec=spec, sha256=recorded)


def find_reranker(name_or_directory: str, shipped: Path = PRETRAINED) -> Path:
    """Resolve a shipped reranker's name or a path; ModelDirectoryError lists what there is."""
    if found := find_sealed(name_or_directory, shipped):
        return found
    known = ", ".join(path.name for path in shipped_rerankers(shipped)) or Message("none")
    raise ModelDirectoryError(
        Message(
            "reranker {model}: neither a shipped one ({known}) nor a folder that holds a spec.json",
            model=name_or_directory,
            known=known,
        )
    )


def write_reranker_spec(path: Path, spec: RerankerSpec) -> None:
    """Seal the directory: hash the files that lie in it and write `spec.json`."""
    write_sealed(path, {"kind": "reranker", **vars(spec), "languages": list(spec.languages)})


def compute_reranker_digest(sha256: Mapping[str, str], max_tokens: int) -> str:
    """SHA-256 over all that a logit depends on: network, tokenizer, max_tokens; how logits are read can change."""
    parts = [sha256.get("model.onnx"), sha256.get("tokenizer.json"), max_tokens]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _spec_from_json(raw: Mapping[str, Any]) -> RerankerSpec:
    if not isinstance(raw["max_tokens"], int):
        raise TypeError(Message("max_tokens must be a whole number"))
    temperature = float(raw["temperature"])
    if not 0 < temperature < math.inf:
        raise ValueError(Message("temperature must be above 0"))
    if not isinstance(raw["both_directions"], bool):
        raise TypeError(Message("both_directions must be true or false"))
    return RerankerSpec(
        name=plain_name(raw["name"]),
        digest=str(raw["digest"]),
        max_tokens=raw["max_tokens"],
        languages=tuple(raw["languages"]),
        temperature=temperature,
        both_directions=raw["both_directions"],
    )
