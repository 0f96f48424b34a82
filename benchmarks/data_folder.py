"""Reads the data sets that lie outside the project: see the README of the data folder for what each one is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError


@dataclass(frozen=True, kw_only=True)
class PairSet:
    """Pairs of questions; label 1 means the same."""

    name: str
    texts_a: tuple[str, ...]
    texts_b: tuple[str, ...]
    label: NDArray[np.float64]


class DataFolder:
    """The folder given by `--data`. Each method raises BenchmarkError, one line, where its file is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, name: str) -> Path:
        """Give the path of a file or folder of it."""
        path = self._path / name
        if not self._path.is_dir():
            raise BenchmarkError(f"no data folder {self._path}: name it with --data, or take --quick")
        if not path.exists():
            raise BenchmarkError(f"{path}: is missing: name a whole data folder with --data")
        return path

    def read_pairs(self, name: str, part: str) -> PairSet:
        """Read `part`.tsv of a pair set."""
        rows = list(self._rows(f"{name}/{part}.tsv"))
        return PairSet(
            name=name,
            texts_a=tuple(row[0] for row in rows),
            texts_b=tuple(row[1] for row in rows),
            label=np.array([float(row[2]) for row in rows]),
        )

    def read_pool(self, name: str, without: frozenset[str] = frozenset()) -> list[str]:
        """Read the questions of a pool, leaving out those of some sources."""
        return [row[0] for row in self._rows(f"{name}/questions.tsv") if row[1] not in without]

    def _rows(self, name: str) -> Iterator[list[str]]:
        with self.find(name).open(encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                yield line.rstrip("\n").split("\t")
