"""The tasks of a recipe of pairs: what each kind reads, and the pairs it draws.

| kind   | files                                    | pairs |
|--------|------------------------------------------|-------|
| corpus | names of domains of the corpus           | two phrasings of a meaning, and its hard negatives in the domain |
| groups | FAQ files, or pairs tied by label 1      | two phrasings of an entry, and its hard negatives in these files |
| pairs  | pair files                               | as they are; from half the highest label on they mean the same |
| graded | pair files                               | as they are, with the label as a probability |
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.evaluation import Encode
from models.training.batches import Block, graded, take_turns
from models.training.hard_negatives import nearest_of_other_meaning
from models.training.pair_batches import ListShape, in_reading_order, lists
from models.training.pair_recipe import PairRecipe, PairTask
from models.training.task_texts import TaskTexts, blocks_of, require_rows
from models.training.texts import Group


@dataclass(kw_only=True)
class PairSource:
    """Draws the blocks of the tasks of one recipe; all draws are decided by its seed."""

    recipe: PairRecipe
    data: Path
    encode: Encode
    """Of the encoder that finds the hard negatives."""
    in_random_order: bool = False
    """Give the texts of a pair in random order, else in the one in which a reranker reads them."""

    def __post_init__(self) -> None:
        """Read what must not be trained on; TrainingError names the file that cannot be used."""
        self._texts = TaskTexts(recipe=self.recipe, data=self.data)

    @property
    def development(self) -> list[Group]:
        """Groups that are set aside for the development metric."""
        return self._texts.development

    def draw(self) -> dict[str, list[Block]]:
        """Give the blocks of every task, by its number and kind; TrainingError names the file that cannot be used."""
        drawn = {}
        for number, (task, blocks) in enumerate(zip(self.recipe.task, blocks_of(self.recipe), strict=True)):
            seed = self.recipe.seed + number
            order = random.Random(seed) if self.in_random_order else None  # noqa: S311 (nothing secret)
            drawn[f"{number}-{task.kind}"] = [
                in_reading_order(block, order) for block in self._draw(task, blocks, seed)
            ]
        return drawn

    def _draw(self, task: PairTask, blocks: int, seed: int) -> Iterable[Block]:
        match task.kind:
            case "corpus":
                return self._lists(task, self._texts.corpus(task), blocks, seed)
            case "groups":
                return self._lists(task, [self._texts.groups(task)], blocks, seed)
            case "pairs" | "graded":
                pairs = self._texts.pairs(task)
                if task.kind == "pairs":
                    pairs = [pair._replace(similarity=float(pair.similarity >= 0.5)) for pair in pairs]
                require_rows(task, len(pairs), self.recipe.rows)
                return graded(pairs, blocks, self.recipe.rows, seed)

    def _lists(self, task: PairTask, domains: Sequence[list[Group]], blocks: int, seed: int) -> Iterable[Block]:
        recipe = self.recipe
        require_rows(task, min(map(len, domains)), 1 + recipe.rows // (1 + recipe.negatives))
        shape = ListShape(
            negatives=recipe.negatives, near_misses=recipe.near_misses, across_languages=task.across_languages
        )
        drawn = []
        for number, groups in enumerate(domains):
            nearest = nearest_of_other_meaning(groups, self.encode, recipe.mined) if recipe.mined else {}
            share = -(-blocks // len(domains))
            drawn.append(lists(groups, nearest, shape, share, recipe.rows, seed + number))
        return take_turns(drawn, blocks)
