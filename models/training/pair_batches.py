"""Which pairs meet in a batch of a cross-encoder: each with its label, 1 where both texts mean the same."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.reranker import in_canonical_order
from models.training.batches import Block, two_texts
from models.training.hard_negatives import Nearest
from models.training.texts import Group


@dataclass(frozen=True, kw_only=True)
class ListShape:
    """What a query's list is made of: one pair of the same meaning, then the negatives."""

    negatives: int
    near_misses: float
    """Share of the negatives that are texts of `Group.near`, where a group has some."""
    across_languages: float
    """Share of the lists whose query is of another language than its texts, where a group has several."""


def lists(
    groups: Sequence[Group], nearest: Nearest, shape: ListShape, blocks: int, rows: int, seed: int
) -> Iterator[Block]:
    """Give blocks of `rows // (1 + negatives)` lists; a block has no two queries of one group.

    The negatives are of the language of the positive, so that languages do not tell what means the same. They are
    drawn from `nearest`, or from all texts where it holds none. There must be more groups than lists in a block.
    """
    generator = random.Random(seed)  # noqa: S311 (nothing secret)
    place_of = {group.id: place for place, group in enumerate(groups)}
    size = 1 + shape.negatives
    for _ in range(blocks):
        first: list[str] = []
        second: list[str] = []
        for place in generator.sample(range(len(groups)), rows // size):
            query, positive = two_texts(groups[place], generator, shape.across_languages)
            language = next(name for name, texts in groups[place].texts.items() if positive in texts)
            near = [place_of[name] for name in groups[place].near if name in place_of]
            misses = [
                generator.choice(groups[other].texts[language]) for other in near if language in groups[other].texts
            ]
            hard = [*nearest.get((place, query), {}).get(language, ())]
            generator.shuffle(misses)
            generator.shuffle(hard)
            first += [query] * size
            second.append(positive)
            for _ in range(shape.negatives):
                if misses and generator.random() < shape.near_misses:
                    second.append(misses.pop())
                else:
                    second.append(hard.pop() if hard else _other_text(groups, place, language, generator))
        labels = np.zeros((len(first), 1), np.float32)
        labels[::size] = 1
        yield Block(first=tuple(first), second=tuple(second), labels=labels)


def in_reading_order(block: Block, generator: random.Random | None) -> Block:
    """Give the block with each pair in the order in which it is served, or with a generator in a random one."""
    pairs = [
        in_canonical_order(*pair) if generator is None else tuple(generator.sample(pair, 2))
        for pair in zip(block.first, block.second, strict=True)
    ]
    return replace(block, first=tuple(pair[0] for pair in pairs), second=tuple(pair[1] for pair in pairs))


def _other_text(groups: Sequence[Group], place: int, language: str, generator: random.Random) -> str:
    others = [other for other in range(len(groups)) if other != place and language in groups[other].texts]
    other = groups[generator.choice(others)] if others else groups[place - 1]
    return generator.choice(other.texts.get(language) or next(iter(other.texts.values())))
