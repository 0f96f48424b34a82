"""What a teacher says of texts: its vectors, computed once and kept on disk, so that a run can go on after a kill."""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from models.directory import hash_file
from models.errors import TrainingError
from models.message import Message
from models.types import Vectors

TRUNK: Final = "base"
"""The name of the teacher that is the trunk itself, before it is trained."""
_BATCH: Final = 128


class Teachers:
    """The teachers of a run; `folder` keeps their vectors."""

    def __init__(self, trunk: Path, folder: Path, device: str) -> None:
        self._trunk = trunk
        self._folder = folder
        self._device = device

    def encode(self, name: str, texts: Sequence[str]) -> Vectors:
        """Give the vectors of teacher `name`, (n, its dim); TrainingError where there is no such model."""
        teacher = hash_file(self._trunk / "model.safetensors") if name == TRUNK else name
        asked = hashlib.sha256("\0".join([teacher, *texts]).encode()).hexdigest()
        kept = self._folder / f"{asked[:16]}.npy"
        if kept.is_file():
            known: Vectors = np.load(kept, allow_pickle=False)
            return known
        model = self._load(name)
        vectors: Vectors = model.encode(
            list(texts),
            prompt=model.prompts.get("query") or None,
            batch_size=_BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        with (half := kept.with_suffix(".part")).open("wb") as file:
            np.save(file, vectors, allow_pickle=False)
        half.replace(kept)
        return vectors

    def _load(self, name: str) -> SentenceTransformer:
        folder = self._trunk if name == TRUNK else find_network(name)
        try:
            return SentenceTransformer(str(folder), device=self._device, local_files_only=True)
        except (OSError, ValueError, SafetensorError) as error:
            raise TrainingError(
                Message("teacher {name}: {folder} holds no model ({problem})", name=name, folder=folder, problem=error)
            ) from error


def find_network(name: str) -> Path:
    """Give the folder of a network by its path or by the installed package that carries it; else TrainingError."""
    if Path(name).is_dir():
        return Path(name)
    package = find_spec(name) if name.isidentifier() else None
    folder = Path(package.origin).parent / "model" if package and package.origin else None
    if folder is None or not folder.is_dir():
        raise TrainingError(
            Message("network {name}: is neither a folder nor an installed package that carries one", name=name)
        )
    return folder
