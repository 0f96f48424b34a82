"""What an interaction head is trained and measured on: pairs of vectors, every text encoded once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.errors import TrainingError
from models.message import Message
from models.training.batches import Block
from models.training.pair_batches import ListShape, lists
from models.training.pair_recipe import PairRecipe
from models.training.texts import Group
from models.types import Encoder, Vectors

_AT_A_TIME: Final = 256
"""Texts between two reports of progress."""
_LISTS_A_GROUP: Final = 8
"""Queries that are drawn of each meaning to measure, for each pair of languages."""


@dataclass(kw_only=True)
class EncodedTexts:
    """The vectors of an encoder, each text encoded when it is first asked for."""

    encoder: Encoder
    on_progress: Callable[[str, int, int], None] = lambda *_: None
    """Takes what is done ("encode"), how many texts and of how many."""
    _places: dict[str, int] = field(init=False, default_factory=dict)
    _parts: list[Vectors] = field(init=False, default_factory=list)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of texts, (n, dim)."""
        places = self.places(texts)
        return self.vectors()[places]

    def places(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Give the rows of texts in `vectors`, (n,)."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self._places]
        for begin in range(0, len(unknown), _AT_A_TIME):
            self.on_progress("encode", begin, len(unknown))
            part = unknown[begin : begin + _AT_A_TIME]
            self._parts.append(self.encoder.encode(part))
            self._places |= {text: len(self._places) + number for number, text in enumerate(part)}
        if unknown:
            self.on_progress("encode", len(unknown), len(unknown))
        return np.array([self._places[text] for text in texts], np.int64)

    def vectors(self) -> Vectors:
        """Give the vectors of all texts so far, (n, dim)."""
        self._parts = [np.concatenate(self._parts)] if self._parts else []
        return self._parts[0] if self._parts else np.empty((0, self.encoder.spec.dim), np.float32)


@dataclass(frozen=True, kw_only=True)
class PairRows:
    """Pairs by the rows of their vectors, each array (n,)."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    label: NDArray[np.float32]
    """The probability that they mean the same."""
    task: NDArray[np.int64]
    """Number of the task that they were drawn of."""

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.label)

    def cosines(self, vectors: Vectors) -> NDArray[np.float32]:
        """Give the cosine of each pair, (n,)."""
        found: NDArray[np.float32] = np.einsum("nd,nd->n", vectors[self.first], vectors[self.second])
        return found


def rows_of(tasks: Sequence[Sequence[Block]], texts: EncodedTexts) -> PairRows:
    """Give the pairs of the labelled blocks of tasks, in their order."""
    blocks = [*chain.from_iterable(tasks)]
    labels = [block.labels[:, 0] for block in blocks if block.labels is not None]
    return PairRows(
        first=texts.places([text for block in blocks for text in block.first]),
        second=texts.places([text for block in blocks for text in block.second]),
        label=np.concatenate(labels),
        task=np.repeat(np.arange(len(tasks)), [sum(len(block.first) for block in task) for task in tasks]),
    )


def development_blocks(domains: Sequence[Sequence[Group]], recipe: PairRecipe) -> dict[str, list[Block]]:
    """Draw what is measured, by the languages of the pair: two texts of a meaning, near misses, others of its domain.

    TrainingError where there are no two groups to tell apart.
    """
    languages = sorted({language for groups in domains for group in groups for language in group.texts})
    drawn: dict[str, list[Block]] = {}
    for asking, stored in product(languages, repeat=2):
        if asking <= stored:
            spoken = [_speaking({asking, stored}, groups) for groups in domains]
            blocks = [block for groups in spoken if len(groups) > 1 for block in _all_of(groups, recipe)]
            if blocks:
                drawn[f"{asking}-{stored}"] = blocks
    if not drawn:
        raise TrainingError(
            Message("the recipe leaves nothing to measure on: name domains, or a development_share of the data")
        )
    return drawn


def _speaking(languages: set[str], groups: Sequence[Group]) -> list[Group]:
    """Give the groups that have all of these languages, with their texts in these alone."""
    return [
        Group(id=group.id, near=group.near, texts={one: group.texts[one] for one in sorted(languages)})
        for group in groups
        if languages <= group.texts.keys()
    ]


def _all_of(groups: Sequence[Group], recipe: PairRecipe) -> list[Block]:
    """Mined negatives would be those that the cosine takes for right: whatever differs from it would look better."""
    shape = ListShape(negatives=recipe.negatives, near_misses=recipe.near_misses, across_languages=1.0)
    return [*lists(groups, {}, shape, _LISTS_A_GROUP, len(groups) * (1 + recipe.negatives), recipe.seed)]
