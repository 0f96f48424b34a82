"""What the options of the command come to."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from benchmarks.siamese_vs_cross_encoder.question_sets import BUNDLED
from models.directory import PRETRAINED
from models.reranker_directory import DEFAULT_RERANKER, find_reranker


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions:
    """Models, sets and sizes of a run."""

    encoder: Path
    """A model directory."""
    reranker: Path | None
    """None = random weights of the encoder's shape, where there is no checkpoint of one either."""
    data: Path
    encoder_checkpoint: Path | None = None
    """None = fp32 and torch have random weights of the shape of the model directory."""
    reranker_checkpoint: Path | None = None
    sets: tuple[str, ...] = (BUNDLED,)
    queries: int | None = None
    """Of each set, at most, that P@1 is taken of; chosen by chance."""
    timed: int = 40
    """Of these, at most, that are timed."""
    counts: tuple[int, ...] = (10, 20, 50, 100)
    """Of candidates."""
    warm_up: int = 2
    """Queries that go each way before any is timed."""
    blocks: int = 10
    threads: int = 1
    """Of judging; what is timed has one."""
    quick: bool = False

    def quickened(self) -> Self:
        """Give sizes that end below a minute and say nothing about anything else than that it works."""
        return replace(self, queries=20, timed=10, counts=(10, 20), warm_up=1, quick=True)


def resolve_reranker(name_or_directory: str, shipped: Path = PRETRAINED) -> Path | None:
    """Give the directory of a reranker; None where the default one is not shipped, ModelDirectoryError for others."""
    if name_or_directory == DEFAULT_RERANKER and not (shipped / name_or_directory).is_dir():
        return None
    return find_reranker(name_or_directory, shipped)
