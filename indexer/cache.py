"""Vectors of texts that were encoded before. Disposable: without it a reindex is slower, never different."""

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from indexer.errors import HomeError
from models.message import Message
from models.types import Encoder, Vectors

_COMMIT_EVERY = 512  # texts; what an interrupted job has to encode again at most
_SELECT_AT_ONCE = 900  # below the limit on variables of the oldest SQLite in use


class EmbeddingCache:
    """SHA-256 of the encoded text (prefix included) -> vector and its checksum, in SQLite, one file a model."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def encode(
        self, encoder: Encoder, texts: Sequence[str], on_progress: Callable[[int, int], None] | None = None
    ) -> tuple[Vectors, int]:
        """Give the vectors of `texts`, (n, dim), and how many texts the encoder had to see.

        `on_progress(done, total)` counts distinct texts that are not in the cache. HomeError when the disk refuses.
        """
        try:
            return self._encode(encoder, texts, on_progress or _silent)
        except sqlite3.OperationalError as error:
            raise self._refusal(error) from error
        except sqlite3.DatabaseError:
            self._connection.close()
            self._connection = self._start_anew()
            return self._encode(encoder, texts, on_progress or _silent)

    def _encode(
        self, encoder: Encoder, texts: Sequence[str], report: Callable[[int, int], None]
    ) -> tuple[Vectors, int]:
        prefix = encoder.spec.prefixes["question"]
        keys = [hashlib.sha256((prefix + text).encode()).digest() for text in texts]
        known = self._read(keys, encoder.spec.dim)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        order, done = list(missing), 0
        report(0, len(order))
        while done < len(order):
            batch = order[done : done + _COMMIT_EVERY]
            vectors = encoder.encode([missing[key] for key in batch])
            self._write(batch, vectors)
            known.update(zip(batch, vectors, strict=True))
            done += len(batch)
            report(done, len(order))
        stacked = np.stack([known[key] for key in keys]) if keys else np.empty((0, encoder.spec.dim), np.float32)
        return stacked, len(order)

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            raise self._refusal(error) from error
        except sqlite3.DatabaseError:
            return self._start_anew()

    def _start_anew(self) -> sqlite3.Connection:
        """Replace what is no sound database any more; nothing was in it that cannot be computed again."""
        for file in (self._file, self._file.with_name(f"{self._file.name}-journal")):
            file.unlink(missing_ok=True)
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=60)
        try:
            connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB, crc INTEGER)")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _refusal(self, error: sqlite3.OperationalError) -> HomeError:
        return HomeError(
            Message(
                "{file}: {reason}: free some space, or give this user the right to write there",
                file=self._file,
                reason=error,
            )
        )

    def _read(self, keys: Sequence[bytes], dim: int) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        for begin in range(0, len(keys), _SELECT_AT_ONCE):
            part = keys[begin : begin + _SELECT_AT_ONCE]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(f"SELECT key, vector, crc FROM vectors WHERE key IN ({marks})", part)  # noqa: S608
            for key, vector, crc in rows:
                if isinstance(vector, bytes) and len(vector) == 4 * dim and zlib.crc32(vector) == crc:
                    found[key] = np.frombuffer(vector, np.float32)
        return found

    def _write(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        blobs = [vector.tobytes() for vector in vectors]
        rows = [(key, blob, zlib.crc32(blob)) for key, blob in zip(keys, blobs, strict=True)]
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def _silent(_done: int, _total: int) -> None:
    """Report to nobody."""
