"""Reading what the tasks of a recipe name, without the texts that must not be trained on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from models import normalise
from models.errors import TrainingError
from models.message import Message
from models.training.recipe import AnyDataRecipe, DataRecipe, DataTask
from models.training.texts import Group, Pair, read_corpus, read_faq_groups, read_keys, read_pairs, tied_by


def without_absent(recipe: AnyDataRecipe, data: Path) -> AnyDataRecipe:
    """Give the recipe without its optional tasks of whose files none is there.

    Raises TrainingError where the recipe has optional tasks and none of them is left.
    """

    def is_there(task: DataTask) -> bool:
        return not task.optional or any((data / name).is_file() for name in task.files)

    optional = [task for task in recipe.task if task.optional]
    if optional and not any(map(is_there, optional)):
        names = ", ".join(dict.fromkeys(name for task in optional for name in task.files))
        raise TrainingError(Message("{folder}: holds none of {files}", folder=data, files=names))
    return recipe.model_copy(update={"task": tuple(filter(is_there, recipe.task))})


def blocks_of(recipe: DataRecipe) -> list[int]:
    """Give the blocks of each task: together the steps of the recipe, or one a task where the steps are fewer."""
    shares = np.cumsum([task.share for task in recipe.task])
    counts = np.diff(np.round(recipe.steps * shares / shares[-1]), prepend=0)
    return [max(1, int(count)) for count in counts]


def require_rows(task: DataTask, found: int, needed: int) -> None:
    """Raise TrainingError where a task has fewer usable rows than a batch takes."""
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


@dataclass(kw_only=True)
class TaskTexts:
    """The texts of the tasks of one recipe; TrainingError names the file that cannot be used."""

    recipe: DataRecipe
    data: Path
    development: list[Group] = field(init=False, default_factory=list)
    """Groups that are set aside for the development metric: not one text of theirs is given, to whatever task."""

    def __post_init__(self) -> None:
        """Read what must not be trained on."""
        files = [self.data / name for name in self.recipe.held_out]
        self._held_out: frozenset[str] = frozenset().union(*map(read_keys, files))
        if self.recipe.development_share and not self.recipe.domains:
            labelled = [task for task in self.recipe.task if task.kind in ("groups", "graded", "pairs")]
            for number, task in enumerate({task.files: task for task in labelled}.values()):
                self.development += self._set_aside(task, self.recipe.seed + number)
        texts = chain.from_iterable(chain.from_iterable(group.texts.values()) for group in self.development)
        self._held_out |= frozenset(map(normalise.key, texts))

    def files(self, task: DataTask) -> list[Path]:
        """Give the files of a task."""
        return [self.data / name for name in task.files]

    def allowed(self, texts: Iterable[str]) -> list[str]:
        """Leave out what must not be trained on."""
        return [text for text in texts if normalise.key(text) not in self._held_out]

    def corpus(self, task: DataTask) -> list[list[Group]]:
        """Give the groups of each domain."""
        return [self._groups(groups) for groups in read_corpus(task.files, self.recipe.languages).values()]

    def groups(self, task: DataTask) -> list[Group]:
        """Give the entries of FAQ files that have two phrasings at least, and what pairs of label 1 tie together."""
        return self._groups(chain.from_iterable(_read_groups(file, task.language) for file in self.files(task)))

    def pairs(self, task: DataTask) -> list[Pair]:
        """Give the rows of pair files of which both texts may be trained on."""
        pairs = chain.from_iterable(map(read_pairs, self.files(task)))
        return [pair for pair in pairs if len(self.allowed(pair[:2])) == 2]

    def _groups(self, groups: Iterable[Group]) -> list[Group]:
        return [kept for group in groups if (kept := group.without(self._held_out)) is not None]

    def _set_aside(self, task: DataTask, seed: int) -> list[Group]:
        groups = self.groups(task) if task.kind == "groups" else tied_by(self.pairs(task), task.language)
        count = round(len(groups) * self.recipe.development_share)
        chosen = np.random.default_rng(seed).permutation(len(groups))[:count]
        return [groups[place] for place in sorted(chosen)]


def _read_groups(file: Path, language: str) -> list[Group]:
    return tied_by(read_pairs(file), language) if file.suffix == ".tsv" else read_faq_groups(file, language)
