"""The cross-encoder that serves: ONNX Runtime and tokenizers alone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.errors import RerankingError
from models.message import Message
from models.normalise import key
from models.onnx_session import load_session, load_tokenizer
from models.reranker_directory import open_reranker_directory
from models.types import RerankerSpec

_MOST_TOKENS_BESIDE_TEXTS: Final = 16
"""More special tokens than this are never added to a pair."""


class OnnxReranker:
    """Reads pairs one by one, so that a pair's relevance is bit-equal alone and whatever stands beside it.

    Dynamic int8 takes one activation scale for everything in a run, so pairs never share one. `relevance` may be
    called from any number of threads, and itself uses `threads`.
    """

    def __init__(
        self, spec: RerankerSpec, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, threads: int = 1
    ) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(spec.max_tokens)  # of the longer text first
        self.spec = spec
        self._session = session
        self._tokenizer = tokenizer
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rerank") if threads > 1 else None

    @classmethod
    def open(cls, path: Path, threads: int = 1, both_directions: bool | None = None) -> Self:
        """Verify a model directory and load it; ModelDirectoryError names the file that is wrong.

        `both_directions` takes the place of what the spec says, where it is to be measured.
        """
        directory = open_reranker_directory(path)
        spec = directory.spec
        if both_directions is not None:
            spec = replace(spec, both_directions=both_directions)
        tokenizer = load_tokenizer(directory.file("tokenizer.json"))
        return cls(spec, load_session(directory.file("model.onnx")), tokenizer, threads)

    def relevance(self, query: str, candidates: Sequence[str]) -> NDArray[np.float32]:
        """Give the probability that each candidate means the same as the query, (len(candidates),) in [0, 1]."""
        logits = self.logits(query, candidates) / self.spec.temperature
        return (1 / (1 + np.exp(-np.clip(logits, -500, 500)))).astype(np.float32)

    def logits(self, query: str, candidates: Sequence[str]) -> NDArray[np.float64]:
        """Give what relevance is made of: (len(candidates),), rising with it, no temperature applied."""
        if self._pool is None or len(candidates) < 2:
            found = [self._logit(query, candidate) for candidate in candidates]
        else:
            found = list(self._pool.map(self._logit, [query] * len(candidates), candidates))
        return np.array(found, np.float64)

    def is_cut(self, query: str, candidate: str) -> bool:
        """Say whether both are longer together than `max_tokens`, so that the end of the longer one is not read."""
        if len(query) + len(candidate) + _MOST_TOKENS_BESIDE_TEXTS <= self.spec.max_tokens:
            return False  # a character is one token at most
        return bool(self._tokenizer.encode(*in_canonical_order(query, candidate)).overflowing)

    def _logit(self, query: str, candidate: str) -> float:
        first, second = in_canonical_order(query, candidate)
        logit = self._read(first, second)
        if self.spec.both_directions:
            logit = (logit + self._read(second, first)) / 2
        if not np.isfinite(logit):
            raise RerankingError(
                Message(
                    "{model}: gave {logit} for {query!r} and {candidate!r}",
                    model=self.spec.label,
                    logit=logit,
                    query=query[:80],
                    candidate=candidate[:80],
                )
            )
        return logit

    def _read(self, first: str, second: str) -> float:
        encoding = self._tokenizer.encode(first, second)
        inputs = {"input_ids": np.array([encoding.ids]), "token_type_ids": np.array([encoding.type_ids])}
        return float(self._session.run(None, inputs)[0][0, 0])


def in_canonical_order(text: str, other: str) -> tuple[str, str]:
    """Give two texts in the one order in which they are read, whichever is asked about which: that of their keys."""
    first, second = sorted((text, other), key=lambda one: (key(one), one))
    return first, second
