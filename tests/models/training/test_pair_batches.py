import random
from collections import Counter
from itertools import chain

import numpy as np
import pytest

from models.reranker import in_canonical_order
from models.training.batches import Block
from models.training.pair_batches import ListShape, in_reading_order, lists
from models.training.texts import Group

NAMES = "abcdefgh"
GROUPS = [
    Group(
        id=name,
        near=(NAMES[(place + 1) % 8],),
        texts={"en": tuple(f"{name}{n}" for n in range(4)), "zh": tuple(f"{name}{n}中" for n in range(4))},
    )
    for place, name in enumerate(NAMES)
]
PLAIN = ListShape(negatives=3, near_misses=0.0, across_languages=0.0)


def rows_of(blocks):
    return [row for block in blocks for row in zip(block.first, block.second, block.labels[:, 0], strict=True)]


def draw(shape=PLAIN, nearest=None, groups=GROUPS, blocks=20, rows=16, seed=1):
    return list(lists(groups, nearest or {}, shape, blocks, rows, seed))


def test_a_list_is_a_pair_of_the_same_meaning_and_its_negatives():
    blocks = draw()
    assert len(blocks) == 20
    for block in blocks:
        assert block.labels[:, 0].tolist() == [1, 0, 0, 0] * 4
        assert [block.first[n : n + 4] for n in range(0, 16, 4)] == [(block.first[n],) * 4 for n in range(0, 16, 4)]
        assert len({query[0] for query in block.first}) == 4, "no group asks twice in a block"
    for query, text, label in rows_of(blocks):
        assert (query[0] == text[0]) == (label == 1)
        assert query != text


def test_mined_texts_are_the_negatives_each_once():
    nearest = {(3, f"d{n}"): {"en": ("x1", "x2", "x3")} for n in range(4)}
    for block in draw(nearest=nearest, blocks=40):
        for n in range(0, 16, 4):
            if block.first[n][0] == "d" and "中" not in block.first[n]:
                assert set(block.second[n + 1 : n + 4]) == {"x1", "x2", "x3"}


def test_where_too_few_were_mined_texts_of_other_groups_fill_up():
    nearest = {(place, f"{name}{n}"): {"en": ("x1",)} for place, name in enumerate(NAMES) for n in range(4)}
    english = [row for row in rows_of(draw(nearest=nearest)) if "中" not in row[0] and not row[2]]
    assert Counter(text == "x1" for _, text, _ in english)[True] == len(english) / 3


def test_the_share_of_near_misses_is_that_of_the_shape():
    def share(near_misses: float) -> float:
        shape = ListShape(negatives=1, near_misses=near_misses, across_languages=0.0)
        texts = [(place, text) for place, group in enumerate(GROUPS) for text in chain(*group.texts.values())]
        nearest = {text: {"en": ("x",), "zh": ("x",)} for text in texts}
        negatives = [(query, text) for query, text, label in rows_of(draw(shape, nearest, blocks=100)) if not label]
        assert all(text == "x" or text[0] == NAMES[(NAMES.index(query[0]) + 1) % 8] for query, text in negatives)
        return float(np.mean([text != "x" for _, text in negatives]))

    assert share(0.0) == 0
    assert share(0.5) == pytest.approx(0.5, abs=0.06)
    assert share(1.0) == 1


def test_negatives_are_of_the_language_of_the_positive():
    rows = rows_of(draw(ListShape(negatives=3, near_misses=0.4, across_languages=0.5)))
    crossed = set()
    for n in range(0, len(rows), 4):
        languages = {"中" in text for _, text, _ in rows[n : n + 4]}
        assert len(languages) == 1
        crossed.add(languages != {"中" in rows[n][0]})
    assert crossed == {True, False}


def test_the_seed_decides():
    first, again, other = draw(seed=1), draw(seed=1), draw(seed=2)
    assert [block.second for block in first] == [block.second for block in again]
    assert [block.second for block in first] != [block.second for block in other]


def test_a_pair_is_put_into_the_order_in_which_it_is_served():
    block = Block(first=("b", "a"), second=("a", "c"), labels=np.array([[1], [0]], np.float32))
    ordered = in_reading_order(block, None)
    assert (ordered.first, ordered.second) == (("a", "a"), ("b", "c"))
    assert (ordered.first[0], ordered.second[0]) == in_canonical_order("b", "a")
    assert ordered.labels is block.labels


def test_for_both_directions_the_order_is_random():
    block = Block(first=("a",) * 100, second=("b",) * 100)
    ordered = in_reading_order(block, random.Random(1))
    assert 30 < Counter(ordered.first)["a"] < 70
    assert all({first, second} == {"a", "b"} for first, second in zip(ordered.first, ordered.second, strict=True))
