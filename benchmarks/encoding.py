"""The encoders that are judged side by side: model directories as they serve, and checkpoints in fp32.

A checkpoint is a folder of the transformers library, or an installed package that carries one.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from benchmarks.errors import BenchmarkError
from benchmarks.labelled_sets import LANGUAGES, LabelledSet
from models.directory import find_model, open_directory
from models.encoder import OnnxEncoder
from models.evaluation import Encode
from models.interaction import OnnxInteractionHead, has_interaction_head

Precision = Literal["int8", "fp32"]
_MOST_TOKENS: Final = 256
"""Read by a checkpoint that belongs to no model, where it takes so many: as many as models are converted with."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A model in one precision, not loaded yet."""

    model: str
    precision: Precision
    folder: Path
    languages: tuple[str, ...]
    """That it is judged in."""
    max_tokens: int
    load: Callable[[], Encode]
    head: OnnxInteractionHead | None = None
    """Of the model's folder; a checkpoint has none."""

    @property
    def label(self) -> str:
        """How it is named to people: no two have the same."""
        head = f" + {self.head.label}" if self.head else ""
        return f"{self.model}{head}, {self.precision}"

    def knows(self, data: LabelledSet) -> bool:
        """Say whether it is judged on a set."""
        return data.languages <= {*self.languages}

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        return {
            "model": self.model,
            "precision": self.precision,
            "folder": str(self.folder),
            "languages": list(self.languages),
            "max_tokens": self.max_tokens,
            "interaction": self.head.label if self.head else None,
        }


def named_folders(options: Iterable[str]) -> dict[str, str]:
    """Read NAME=DIR; BenchmarkError where one is not that, or a name stands twice."""
    named: dict[str, str] = {}
    for option in options:
        name, equals, folder = option.partition("=")
        if not (name and equals and folder):
            raise BenchmarkError(f"--checkpoint {option}: is not NAME=DIR")
        if name in named:
            raise BenchmarkError(f"--checkpoint {option}: {name} is named twice")
        named[name] = folder
    return named


def find_variants(
    models: Sequence[str], checkpoints: Mapping[str, str], english: Sequence[str], threads: int
) -> list[Variant]:
    """Give each model with its own checkpoint behind it, then the checkpoints of other networks.

    `models` are shipped ones or folders; `checkpoints` a folder or package by the name of one of them, or by a name of
    its own, and of these names those in `english` know English alone. Nothing is loaded but interaction heads;
    BenchmarkError or ModelError says what is not there.
    """
    others = dict(checkpoints)
    found = []
    for name in models:
        served = _model_variant(name, threads)
        found.append(served)
        spec_name = served.model.partition("@")[0]
        if own := next((key for key in (name, spec_name) if key in others), None):
            languages, folder = served.languages, others.pop(own)
            found.append(_checkpoint_variant(served.model, folder, languages, served.max_tokens, threads))
    if unknown := [name for name in english if name not in others]:
        raise BenchmarkError(f"{unknown[0]}: only a checkpoint that belongs to no model can be named as English")
    for name, folder in others.items():
        languages = ("en",) if name in english else LANGUAGES
        found.append(_checkpoint_variant(name, folder, languages, _MOST_TOKENS, threads))
    labels = [one.label for one in found]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise BenchmarkError(f"{twice[0]}: is named twice")
    return found


def _model_variant(name: str, threads: int) -> Variant:
    directory = open_directory(find_model(name))
    return Variant(
        model=directory.spec.label,
        precision="int8",
        folder=directory.path,
        languages=directory.spec.languages,
        max_tokens=directory.spec.max_tokens,
        load=lambda: OnnxEncoder.open(directory.path, threads).encode,
        head=OnnxInteractionHead.open(directory) if has_interaction_head(directory) else None,
    )


def _checkpoint_variant(
    model: str, name_or_folder: str, languages: tuple[str, ...], max_tokens: int, threads: int
) -> Variant:
    """Only from here on is torch loaded."""
    folder: Path = import_module("models.training.teacher").find_network(name_or_folder)
    module = import_module("benchmarks.transformers_encoder")
    tokens = min(max_tokens, _positions(folder))
    return Variant(
        model=model,
        precision="fp32",
        folder=folder,
        languages=languages,
        max_tokens=tokens,
        load=lambda: module.TransformersEncoder(folder, tokens, threads).encode,
    )


def _positions(folder: Path) -> int:
    """Give the tokens that a checkpoint can take; BenchmarkError where it is none."""
    try:
        return int(json.loads((folder / "config.json").read_bytes())["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BenchmarkError(f"{folder}: no checkpoint of the transformers library: config.json ({error})") from error
