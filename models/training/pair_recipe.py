"""What the recipes of all that judges pairs have in common: where the pairs come from, and the hard negatives."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from models.directory import DEFAULT_MODEL
from models.message import Message
from models.training.recipe import DataRecipe, DataTask


class PairTask(DataTask):
    """One kind of batch; `models/training/pair_source.py` says what each kind reads."""

    kind: Literal["corpus", "groups", "pairs", "graded"]

    @property
    def has_lists(self) -> bool:
        """Whether its batches are lists: a pair of the same meaning, then the negatives of its query."""
        return self.kind in ("corpus", "groups")


class PairRecipe(DataRecipe):
    """Which pairs are drawn."""

    task: tuple[PairTask, ...] = Field(min_length=1)
    encoder: str = DEFAULT_MODEL
    """Shipped encoder or model folder: finds the hard negatives."""
    negatives: int = Field(default=3, ge=1)
    """Pairs of another meaning for each of the same, in `corpus` and `groups`."""
    near_misses: float = Field(default=0.3, ge=0, le=1)
    """Share of these that are phrasings of a meaning which the corpus names as easily taken for it."""
    mined: int = Field(default=10, ge=0)
    """The others are drawn among so many texts of other meanings that are nearest to the query; 0: among all."""

    def contradictions(self) -> Iterator[Message]:
        """Name what the types do not show."""
        yield from super().contradictions()
        if any(task.has_lists for task in self.task) and self.rows % (1 + self.negatives):
            yield Message(
                "rows: {rows} is no multiple of {size}, one pair and its negatives",
                rows=self.rows,
                size=1 + self.negatives,
            )
