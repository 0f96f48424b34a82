"""Which texts meet in a batch: what a loss over in-batch similarities learns is decided here.

Each function gives blocks of `rows` rows of two texts; a block is one batch, and blocks are never mixed.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.texts import Group, Pair
from models.types import Vectors

_CHUNK = 512  # anchors compared with all texts at a time


@dataclass(frozen=True, kw_only=True)
class Block:
    """The rows of one batch: `first[i]` and `second[i]` belong together; `labels` (rows, k) where a loss needs them."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    labels: NDArray[np.float32] | None = None


def neighbourhoods(
    texts: Sequence[str],
    teacher: Vectors,
    blocks: int,
    rows: int,
    seed: int,
    near: int = 7,
    translations: Sequence[str] | None = None,
) -> Iterator[Block]:
    """Give blocks of anchors, each with its `near` nearest texts by the teacher; labels are the teacher's two vectors.

    With `translations`, one a text, the second text of a row is the translation of the first, and the teacher's
    vector of the original stands for both (arXiv:2004.09813). There must be at least `2 * rows` texts, `rows` where
    they have translations.

    Random texts are all equally far from each other; only among neighbours has a teacher something to say.
    """
    generator = np.random.default_rng(seed)
    drawn = rows if translations else 2 * rows
    near = min(near, drawn - 1)
    anchors = drawn // (1 + near)
    at_once = max(1, _CHUNK // anchors)
    for begin in range(0, blocks, at_once):
        count = min(at_once, blocks - begin)
        chosen = generator.choice(len(texts), (count, anchors), replace=True)
        similarities = teacher[chosen.ravel()] @ teacher.T
        nearest = np.argpartition(-similarities, near, axis=1)[:, : near + 1]
        for block in nearest.reshape(count, -1):
            members = generator.permutation(_filled(block, drawn, len(texts), generator))
            first, second = members[:rows], members[-rows:]
            yield Block(
                first=tuple(texts[i] for i in first),
                second=tuple((translations or texts)[i] for i in second),
                labels=np.concatenate([teacher[first], teacher[second]], axis=1),
            )


def same_meaning(
    groups: Sequence[Group], blocks: int, rows: int, seed: int, across_languages: float = 0.3
) -> Iterator[Block]:
    """Give blocks in which every row is two texts of one group and no group stands twice.

    All other rows are negatives, so groups that are near each other are put into the same block. Where a group has
    two languages, a share of the rows pairs one with the other. There must be at least `rows` groups.
    """
    generator = random.Random(seed)  # noqa: S311 (nothing secret)
    place_of = {group.id: place for place, group in enumerate(groups)}
    for _ in range(blocks):
        chosen: dict[int, Group] = {}  # by place: groups of two files may have the same id
        for place in generator.sample(range(len(groups)), len(groups)):
            near = (place_of[identifier] for identifier in groups[place].near if identifier in place_of)
            for member in (place, *near):
                if len(chosen) < rows:
                    chosen.setdefault(member, groups[member])
        pairs = [two_texts(group, generator, across_languages) for group in chosen.values()]
        yield Block(first=tuple(a for a, _ in pairs), second=tuple(b for _, b in pairs))


def graded(pairs: Sequence[Pair], blocks: int, rows: int, seed: int, *, labelled: bool = True) -> Iterator[Block]:
    """Give blocks of random pairs; where they are to be labelled the labels are their similarity, (rows, 1)."""
    generator = random.Random(seed)  # noqa: S311 (nothing secret)
    for _ in range(blocks):
        chosen = generator.sample(list(pairs), rows)
        yield Block(
            first=tuple(pair.first for pair in chosen),
            second=tuple(pair.second for pair in chosen),
            labels=np.array([[pair.similarity] for pair in chosen], np.float32) if labelled else None,
        )


def take_turns(drawn: Sequence[Iterator[Block]], blocks: int) -> Iterator[Block]:
    """Give `blocks` blocks, one of each source in turn; all sources must have the same number of blocks."""
    mixed = (block for one_of_each in zip(*drawn, strict=True) for block in one_of_each)
    return (block for block, _ in zip(mixed, range(blocks), strict=False))


def two_texts(group: Group, generator: random.Random, across_languages: float) -> tuple[str, str]:
    """Draw two texts of a group, across its languages with this probability where it has several, else of one."""
    if len(group.texts) > 1 and generator.random() < across_languages:
        first, second = generator.sample(sorted(group.texts), 2)
        return generator.choice(group.texts[first]), generator.choice(group.texts[second])
    language = generator.choice(sorted(group.texts))
    first, second = generator.sample(group.texts[language], 2)
    return first, second


def _filled(
    members: NDArray[np.int64], wanted: int, population: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Drop repeats and fill up with random texts."""
    distinct = np.unique(members)[:wanted]
    while len(distinct) < wanted:
        distinct = np.unique(np.append(distinct, generator.choice(population, wanted - len(distinct))))
    return distinct
