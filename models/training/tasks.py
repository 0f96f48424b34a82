"""The tasks of a recipe: what each kind reads, the blocks it draws, and the loss it takes.

| kind         | files                                    | loss |
|--------------|------------------------------------------|------|
| distil       | pools of unlabelled questions            | a teacher's similarities among neighbours |
| translations | two pair files row by row, or one        | the teacher's similarities, for the translations too |
| corpus       | names of domains of the corpus           | in-batch negatives of one domain, near misses together |
| groups       | FAQ files: phrasings of one entry        | in-batch negatives |
| graded       | pairs with a label                       | CoSENT: higher labels are to be nearer |
| pairs        | pairs of which those of label 1 are used | in-batch negatives |
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss
from torch import nn

from models import normalise
from models.errors import TrainingError
from models.message import Message
from models.training.batches import Block, graded, neighbourhoods, same_meaning
from models.training.losses import NeighbourhoodDistillation
from models.training.recipe import Recipe, Task
from models.training.teacher import Teachers
from models.training.texts import (
    Group,
    Pair,
    read_corpus,
    read_faq_groups,
    read_keys,
    read_pairs,
    read_pool,
    read_translations,
    tied_by,
)


def without_absent(recipe: Recipe, data: Path) -> Recipe:
    """Give the recipe without its optional tasks of whose files none is there.

    Raises TrainingError where the recipe has optional tasks and none of them is left.
    """

    def is_there(task: Task) -> bool:
        return not task.optional or any((data / name).is_file() for name in task.files)

    optional = [task for task in recipe.task if task.optional]
    if optional and not any(map(is_there, optional)):
        names = ", ".join(dict.fromkeys(name for task in optional for name in task.files))
        raise TrainingError(Message("{folder}: holds none of {files}", folder=data, files=names))
    return recipe.model_copy(update={"task": tuple(filter(is_there, recipe.task))})


@dataclass(kw_only=True)
class TaskSource:
    """Draws the blocks of the tasks of one recipe; all draws are decided by its seed."""

    recipe: Recipe
    data: Path
    teachers: Teachers
    development: list[Group] = field(init=False, default_factory=list)
    """Groups that are set aside for the development metric: not one text of theirs is drawn, by whatever task."""

    def __post_init__(self) -> None:
        """Read what must not be trained on; TrainingError names the file that cannot be used."""
        files = [self.data / name for name in self.recipe.held_out]
        self._held_out: frozenset[str] = frozenset().union(*map(read_keys, files))
        if self.recipe.development_share and not self.recipe.domains:
            labelled = [task for task in self.recipe.task if task.kind in ("groups", "graded", "pairs")]
            for number, task in enumerate({task.files: task for task in labelled}.values()):
                self.development += self._set_aside(task, self.recipe.seed + number)
        texts = chain.from_iterable(chain.from_iterable(group.texts.values()) for group in self.development)
        self._held_out |= frozenset(map(normalise.key, texts))

    def draw(self) -> dict[str, list[Block]]:
        """Give the blocks of every task, by its number and kind; TrainingError names the file that cannot be used.

        Together they are the steps of the recipe, or one a task where the steps are fewer than the tasks.
        """
        shares = np.cumsum([task.share for task in self.recipe.task])
        counts = np.diff(np.round(self.recipe.steps * shares / shares[-1]), prepend=0)
        return {
            f"{number}-{task.kind}": list(self._draw(task, max(1, int(blocks)), self.recipe.seed + number))
            for number, (task, blocks) in enumerate(zip(self.recipe.task, counts, strict=True))
        }

    def _draw(self, task: Task, blocks: int, seed: int) -> Iterable[Block]:
        rows, files = self.recipe.rows, self._files(task)
        match task.kind:
            case "distil":
                texts = self._allowed(chain.from_iterable(read_pool(file, task.exclude) for file in files))
                if task.limit:
                    texts = [
                        texts[place] for place in np.random.default_rng(seed).permutation(len(texts))[: task.limit]
                    ]
                self._require(task, len(texts), 2 * rows)
                return neighbourhoods(texts, self.teachers.encode(task.teacher, texts), blocks, rows, seed)
            case "translations":
                sides = [side for side in read_translations(files) if len(self._allowed(side)) == len(side)]
                self._require(task, len(sides), rows)
                originals, translations = zip(*sides, strict=True)
                teacher = self.teachers.encode(task.teacher, originals)
                return neighbourhoods(originals, teacher, blocks, rows, seed, translations=translations)
            case "corpus":
                domains = [self._groups(groups) for groups in read_corpus(task.files).values()]
                self._require(task, min(map(len, domains)), rows)
                return _one_domain_a_block(domains, blocks, rows, seed, task.across_languages)
            case "groups":
                groups = self._faq_groups(task)
                self._require(task, len(groups), rows)
                return same_meaning(groups, blocks, rows, seed)
            case "graded" | "pairs":
                pairs = self._pairs(task)
                if task.kind == "pairs":
                    pairs = [pair for pair in pairs if pair.similarity == 1]
                self._require(task, len(pairs), rows)
                return graded(pairs, blocks, rows, seed, labelled=task.kind == "graded")

    def _allowed(self, texts: Iterable[str]) -> list[str]:
        return [text for text in texts if normalise.key(text) not in self._held_out]

    def _groups(self, groups: Iterable[Group]) -> list[Group]:
        return [kept for group in groups if (kept := group.without(self._held_out)) is not None]

    def _faq_groups(self, task: Task) -> list[Group]:
        return self._groups(chain.from_iterable(read_faq_groups(file, task.language) for file in self._files(task)))

    def _pairs(self, task: Task) -> list[Pair]:
        pairs = chain.from_iterable(map(read_pairs, self._files(task)))
        return [pair for pair in pairs if len(self._allowed(pair[:2])) == 2]

    def _files(self, task: Task) -> list[Path]:
        return [self.data / name for name in task.files]

    def _set_aside(self, task: Task, seed: int) -> list[Group]:
        groups = self._faq_groups(task) if task.kind == "groups" else tied_by(self._pairs(task), task.language)
        count = round(len(groups) * self.recipe.development_share)
        chosen = np.random.default_rng(seed).permutation(len(groups))[:count]
        return [groups[place] for place in sorted(chosen)]

    @staticmethod
    def _require(task: Task, found: int, needed: int) -> None:
        if found < needed:
            raise TrainingError(
                Message(
                    "{files}: {found:,} usable rows for the task {kind}, a batch needs {needed:,}: add rows, or lower "
                    "rows in the recipe",
                    files=", ".join(task.files),
                    found=found,
                    kind=task.kind,
                    needed=needed,
                )
            )


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
    mixed = (block for one_of_each in zip(*drawn, strict=True) for block in one_of_each)
    return (block for block, _ in zip(mixed, range(blocks), strict=False))
