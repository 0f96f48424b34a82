"""The Siamese encoder that serves: ONNX Runtime and tokenizers alone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from models.directory import ModelDirectory, open_directory
from models.errors import EncodingError, ModelDirectoryError
from models.message import Message
from models.onnx_session import load_session, load_tokenizer
from models.types import EncoderSpec, Role, Vectors

_UNIT_TOLERANCE = 1e-3


class OnnxEncoder:
    """Encodes texts one by one, so that a vector is bit-equal alone, in bulk and under load.

    Dynamic int8 takes one activation scale for everything in a run, so texts never share one. Parallelism comes
    from callers side by side: `encode` may be called from any number of threads, and itself uses `threads`.
    """

    def __init__(
        self, spec: EncoderSpec, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, threads: int = 1
    ) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(spec.max_tokens)
        self.spec = spec
        self._session = session
        self._tokenizer = tokenizer
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode") if threads > 1 else None

    @classmethod
    def open(cls, path: Path, threads: int = 1) -> Self:
        """Verify a model directory and load it; ModelDirectoryError names the file that is wrong."""
        return cls.load(open_directory(path), threads)

    @classmethod
    def load(cls, directory: ModelDirectory, threads: int = 1) -> Self:
        """Load a model directory that was just verified; ModelDirectoryError names the file that is wrong."""
        tokenizer = load_tokenizer(directory.file("tokenizer.json"))
        session = load_session(directory.file("model.onnx"))
        dim = session.get_outputs()[0].shape[-1]
        if dim != directory.spec.dim:
            raise ModelDirectoryError(
                Message(
                    "{file}: gives vectors of {found} numbers, spec.json says {recorded}: "
                    "copy the model directory again from where it came",
                    file=directory.file("model.onnx"),
                    found=dim,
                    recorded=directory.spec.dim,
                )
            )
        return cls(directory.spec, session, tokenizer, threads)

    def encode(self, texts: Sequence[str], role: Role = "question") -> Vectors:
        """Give the vectors of `texts`, (len(texts), dim); what lies behind `max_tokens` is not read."""
        if self._pool is None or len(texts) < 2:
            rows = [self._encode_one(text, role) for text in texts]
        else:
            rows = list(self._pool.map(self._encode_one, texts, [role] * len(texts)))
        return np.stack(rows) if rows else np.empty((0, self.spec.dim), np.float32)

    def count_overflow(self, text: str, role: Role = "question") -> int:
        """Count the tokens of `text` that lie behind `max_tokens` and are not read."""
        encoding = self._tokenizer.encode(self.spec.prefixes[role] + text)
        special = sum(encoding.special_tokens_mask)
        return sum(len(part.ids) - special for part in encoding.overflowing)

    def _encode_one(self, text: str, role: Role) -> Vectors:
        ids = np.array([self._tokenizer.encode(self.spec.prefixes[role] + text).ids])
        vector: Vectors = self._session.run(None, {"input_ids": ids})[0][0]
        norm = float(np.linalg.norm(vector))
        if not abs(norm - 1) < _UNIT_TOLERANCE:  # also false for NaN
            raise EncodingError(
                Message(
                    "{model}: gave a vector of length {norm} for {text!r}",
                    model=self.spec.label,
                    norm=norm,
                    text=text[:80],
                )
            )
        return vector
