"""The three forms that the same networks are run in, one thread each: int8 as it is served, fp32, and torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.directory import open_directory
from models.encoder import OnnxEncoder
from models.interaction import OnnxInteractionHead
from models.onnx_session import load_session, load_tokenizer
from models.reranker import OnnxReranker
from models.reranker_directory import open_reranker_directory
from models.types import Vectors

FormName = Literal["int8", "fp32", "torch"]
LABELS: Final[dict[FormName, str]] = {
    "int8": "ONNX int8",
    "fp32": "ONNX fp32",
    "torch": "torch, transformers",
}


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """Where an encoder and a reranker lie in all three forms."""

    encoder: Path
    """A model directory; the interaction head, if there is one, lies in it and is the same in all forms."""
    encoder_fp32: Path
    """A graph without quantisation."""
    encoder_checkpoint: Path
    """A folder of the transformers library."""
    reranker: Path
    reranker_fp32: Path
    reranker_checkpoint: Path

    def to_json(self) -> dict[str, str]:
        """Give JSON values, for another process."""
        return {name: str(path.resolve()) for name, path in vars(self).items()}

    @classmethod
    def from_json(cls, raw: dict[str, str]) -> Self:
        """Read what `to_json` gave."""
        return cls(**{name: Path(path) for name, path in raw.items()})


class Form(Protocol):
    """An encoder, its interaction head and a reranker, run in one way."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of `texts`, (len(texts), dim)."""
        ...

    def affinities(self, query: Vectors, candidates: Vectors) -> NDArray[np.float32]:
        """Give the affinity of each candidate, (n,), from vectors (dim,) and (n, dim)."""
        ...

    def relevance(self, query: str, candidates: Sequence[str]) -> NDArray[np.float32]:
        """Give the relevance of each candidate, (n,)."""
        ...


class LazyForm:
    """Opens each network when it is first used, so that a process holds only what its way needs."""

    def __init__(
        self,
        *,
        open_encoder: Callable[[], Any],
        open_head: Callable[[], Any],
        open_reranker: Callable[[], Any],
    ) -> None:
        self._open_encoder = open_encoder
        self._open_head = open_head
        self._open_reranker = open_reranker

    @cached_property
    def _encoder(self) -> Any:  # noqa: ANN401 (what `Form` says of it is all)
        return self._open_encoder()

    @cached_property
    def _head(self) -> Any:  # noqa: ANN401
        return self._open_head()

    @cached_property
    def _reranker(self) -> Any:  # noqa: ANN401
        return self._open_reranker()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As `Form`."""
        vectors: Vectors = self._encoder.encode(texts)
        return vectors

    def affinities(self, query: Vectors, candidates: Vectors) -> NDArray[np.float32]:
        """As `Form`."""
        found: NDArray[np.float32] = self._head.affinities(query, candidates)
        return found

    def relevance(self, query: str, candidates: Sequence[str]) -> NDArray[np.float32]:
        """As `Form`."""
        found: NDArray[np.float32] = self._reranker.relevance(query, candidates)
        return found


def open_form(name: FormName, files: ModelFiles, threads: int = 1) -> Form:
    """Give a form; `threads` judge side by side (torch: one always), each text and pair on its own."""
    if name == "torch":
        networks = import_module("benchmarks.siamese_vs_cross_encoder.torch_networks")
        return LazyForm(
            open_encoder=partial(networks.open_encoder, files),
            open_head=partial(networks.open_head, files),
            open_reranker=partial(networks.open_reranker, files),
        )
    if name == "fp32":
        return LazyForm(
            open_encoder=partial(_open_fp32_encoder, files, threads),
            open_head=partial(_open_head, files),
            open_reranker=partial(_open_fp32_reranker, files, threads),
        )
    return LazyForm(
        open_encoder=partial(OnnxEncoder.open, files.encoder, threads),
        open_head=partial(_open_head, files),
        open_reranker=partial(OnnxReranker.open, files.reranker, threads),
    )


def _open_head(files: ModelFiles) -> OnnxInteractionHead:
    return OnnxInteractionHead.open(open_directory(files.encoder))


def _open_fp32_encoder(files: ModelFiles, threads: int) -> OnnxEncoder:
    directory = open_directory(files.encoder)
    tokenizer = load_tokenizer(directory.file("tokenizer.json"))
    return OnnxEncoder(directory.spec, load_session(files.encoder_fp32), tokenizer, threads)


def _open_fp32_reranker(files: ModelFiles, threads: int) -> OnnxReranker:
    directory = open_reranker_directory(files.reranker)
    tokenizer = load_tokenizer(directory.file("tokenizer.json"))
    return OnnxReranker(directory.spec, load_session(files.reranker_fp32), tokenizer, threads)
