"""The tasks of a recipe: what each kind reads, the blocks it draws, and the loss it takes.

| kind         | files                                    | loss |
|--------------|------------------------------------------|------|
| distil       | pools of unlabelled questions            | a teacher's similarities among neighbours |
| translations | two pair files row by row, or one        | the teacher's similarities, for the translations too |
| corpus       | names of domains of the corpus           | in-batch negatives of one domain, near misses together |
| groups       | FAQ files, or pairs tied by label 1      | in-batch negatives |
| graded       | pairs with a label                       | CoSENT: higher labels are to be nearer |
| pairs        | pairs of which those of label 1 are used | in-batch negatives |
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss
from torch import nn

from models.training.batches import Block, graded, neighbourhoods, same_meaning, take_turns
from models.training.losses import NeighbourhoodDistillation
from models.training.recipe import Recipe, Task
from models.training.task_texts import TaskTexts, blocks_of, require_rows
from models.training.teacher import Teachers
from models.training.texts import Group, read_pool, read_translations


@dataclass(kw_only=True)
class TaskSource:
    """Draws the blocks of the tasks of one recipe; all draws are decided by its seed."""

    recipe: Recipe
    data: Path
    teachers: Teachers

    def __post_init__(self) -> None:
        """Read what must not be trained on; TrainingError names the file that cannot be used."""
        self._texts = TaskTexts(recipe=self.recipe, data=self.data)

    @property
    def development(self) -> list[Group]:
        """Groups that are set aside for the development metric."""
        return self._texts.development

    def draw(self) -> dict[str, list[Block]]:
        """Give the blocks of every task, by its number and kind; TrainingError names the file that cannot be used.

        Together they are the steps of the recipe, or one a task where the steps are fewer than the tasks.
        """
        return {
            f"{number}-{task.kind}": list(self._draw(task, blocks, self.recipe.seed + number))
            for number, (task, blocks) in enumerate(zip(self.recipe.task, blocks_of(self.recipe), strict=True))
        }

    def _draw(self, task: Task, blocks: int, seed: int) -> Iterable[Block]:
        rows, files = self.recipe.rows, self._texts.files(task)
        match task.kind:
            case "distil":
                texts = self._texts.allowed(chain.from_iterable(read_pool(file, task.exclude) for file in files))
                if task.limit:
                    texts = [
                        texts[place] for place in np.random.default_rng(seed).permutation(len(texts))[: task.limit]
                    ]
                require_rows(task, len(texts), 2 * rows)
                return neighbourhoods(texts, self.teachers.encode(task.teacher, texts), blocks, rows, seed)
            case "translations":
                sides = [side for side in read_translations(files) if len(self._texts.allowed(side)) == len(side)]
                require_rows(task, len(sides), rows)
                originals, translations = zip(*sides, strict=True)
                teacher = self.teachers.encode(task.teacher, originals)
                return neighbourhoods(originals, teacher, blocks, rows, seed, translations=translations)
            case "corpus":
                domains = self._texts.corpus(task)
                require_rows(task, min(map(len, domains)), rows)
                return _one_domain_a_block(domains, blocks, rows, seed, task.across_languages)
            case "groups":
                groups = self._texts.groups(task)
                require_rows(task, len(groups), rows)
                return same_meaning(groups, blocks, rows, seed)
            case "graded" | "pairs":
                pairs = self._texts.pairs(task)
                if task.kind == "pairs":
                    pairs = [pair for pair in pairs if pair.similarity == 1]
                require_rows(task, len(pairs), rows)
                return graded(pairs, blocks, rows, seed, labelled=task.kind == "graded")


def loss_of(task: Task, recipe: Recipe, model: SentenceTransformer) -> nn.Module:
    """Give the loss of a task over `model`."""
    match task.kind:
        case "distil" | "translations":
            return NeighbourhoodDistillation(
                model,
                temperature=recipe.temperature,
                teacher_temperature=task.teacher_temperature,
                squared_error=task.squared_error,
            )
        case "graded":
            return CoSENTLoss(model, scale=1 / recipe.temperature)
        case "corpus" | "groups" | "pairs":
            return MultipleNegativesRankingLoss(
                model,
                scale=1 / recipe.temperature,
                directions=("query_to_doc", "doc_to_query"),
                partition_mode="per_direction",
            )


def _one_domain_a_block(
    domains: Sequence[list[Group]], blocks: int, rows: int, seed: int, across_languages: float
) -> Iterator[Block]:
    """All other meanings of a domain are true negatives, and hard ones; of another domain one cannot be sure."""
    drawn = [
        same_meaning(groups, -(-blocks // len(domains)), rows, seed + number, across_languages)
        for number, groups in enumerate(domains)
    ]
    return take_turns(drawn, blocks)
