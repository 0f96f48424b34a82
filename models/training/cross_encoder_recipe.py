"""The recipe of a reranker: that of every training, and the switches of a cross-encoder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from models.directory import DEFAULT_MODEL
from models.message import Message
from models.training.recipe import DataTask, TrainingRecipe, read_recipe_of


class CrossEncoderTask(DataTask):
    """One kind of batch; `models/training/pair_source.py` says what each kind reads."""

    kind: Literal["corpus", "groups", "pairs", "graded"]

    @property
    def has_lists(self) -> bool:
        """Whether its batches are lists: a pair of the same meaning, then the negatives of its query."""
        return self.kind in ("corpus", "groups")


class CrossEncoderRecipe(TrainingRecipe):
    """How a reranker is trained."""

    task: tuple[CrossEncoderTask, ...] = Field(min_length=1)
    max_tokens: int = Field(default=96, ge=8)
    """Of a pair: longer texts are cut while training."""
    encoder: str = DEFAULT_MODEL
    """Shipped encoder or model folder: finds the hard negatives, and the candidates that are reranked to measure."""
    negatives: int = Field(default=3, ge=1)
    """Pairs of another meaning for each of the same, in `corpus` and `groups`."""
    near_misses: float = Field(default=0.3, ge=0, le=1)
    """Share of these that are phrasings of a meaning which the corpus names as easily taken for it."""
    mined: int = Field(default=10, ge=0)
    """The others are drawn among so many texts of other meanings that are nearest to the query; 0: among all."""
    listwise: float = Field(default=0.0, ge=0)
    """Weight of the softmax over each query's pairs beside the binary cross-entropy (arXiv:2101.08751, section 3)."""
    both_directions: bool = False
    """Train pairs in random order, for a reranker that reads both; else in the one order in which it reads them."""
    candidates: int = Field(default=10, ge=2)
    """Of a query, that are reranked to measure."""

    def contradictions(self) -> Iterator[Message]:
        """Name what the types do not show."""
        yield from super().contradictions()
        if any(task.has_lists for task in self.task) and self.rows % (1 + self.negatives):
            yield Message(
                "rows: {rows} is no multiple of {size}, one pair and its negatives",
                rows=self.rows,
                size=1 + self.negatives,
            )


def read_cross_encoder_recipe(file: Path) -> CrossEncoderRecipe:
    """Read the recipe of a reranker; TrainingError names what is wrong with it."""
    return read_recipe_of(CrossEncoderRecipe, file)
