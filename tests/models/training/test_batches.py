from collections.abc import Iterator
from itertools import chain, pairwise

import numpy as np
import pytest

from models.training.batches import Block, graded, neighbourhoods, same_meaning, take_turns
from models.training.texts import Group, Pair


@pytest.fixture
def circle():
    """Forty texts, named by their place on a circle, and their vectors."""
    angles = np.arange(40) * 2 * np.pi / 40
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return [str(place) for place in range(40)], vectors


@pytest.fixture
def groups():
    """Twelve groups in two languages, the first three and the last three near each other."""
    near = {0: (1, 2), 1: (0, 2), 2: (0, 1), 9: (10, 11), 10: (9, 11), 11: (9, 10)}
    return [
        Group(
            id=f"g{n}",
            texts={language: tuple(f"g{n}-{language}-{k}" for k in range(4)) for language in ("en", "zh")},
            near=tuple(f"g{other}" for other in near.get(n, ())),
        )
        for n in range(12)
    ]


def group_of(text: str) -> str:
    return text.partition("-")[0]


def same(blocks: list[Block], others: list[Block]) -> bool:
    return [(b.first, b.second) for b in blocks] == [(b.first, b.second) for b in others]


def test_a_neighbourhood_holds_anchors_with_their_nearest_texts(circle):
    texts, vectors = circle
    for block in neighbourhoods(texts, vectors, blocks=20, rows=4, seed=1, near=3):
        members = sorted({int(text) for text in block.first + block.second})
        assert len(members) == 8
        gaps = [b - a for a, b in pairwise([*members, members[0] + 40])]
        runs = "".join("1" if gap == 1 else " " for gap in gaps * 2)
        assert "1" * 2 in runs, "an anchor stands beside two of its three nearest"


def test_with_one_anchor_a_neighbourhood_is_its_nearest_texts(circle):
    texts, vectors = circle
    for block in neighbourhoods(texts, vectors, blocks=10, rows=4, seed=2, near=6):
        members = {int(text) for text in block.first + block.second}
        runs = [{(begin + step) % 40 for step in range(7)} for begin in range(40)]
        assert len(members) == 8
        assert any(run <= members for run in runs)


def test_the_labels_of_a_neighbourhood_are_the_vectors_of_both_columns(circle):
    texts, vectors = circle
    for block in neighbourhoods(texts, vectors, blocks=5, rows=4, seed=3):
        expected = np.hstack([vectors[[int(text) for text in column]] for column in (block.first, block.second)])
        np.testing.assert_array_equal(block.labels, expected)


def test_translations_stand_beside_their_originals_with_the_same_vector(circle):
    texts, vectors = circle
    translations = [f"{text} 译" for text in texts]
    for block in neighbourhoods(texts, vectors, blocks=5, rows=4, seed=3, translations=translations):
        assert block.second == tuple(f"{text} 译" for text in block.first)
        assert len(set(block.first)) == 4
        np.testing.assert_array_equal(*np.hsplit(block.labels, 2))
        np.testing.assert_array_equal(block.labels[:, :2], vectors[[int(text) for text in block.first]])


@pytest.mark.parametrize(("rows", "translated"), [(2, False), (3, False), (2, True), (5, True)])
def test_as_few_texts_as_fill_a_block_are_enough(circle, rows, translated):
    texts, vectors = circle
    needed = rows if translated else 2 * rows
    translations = texts[:needed] if translated else None
    blocks = list(neighbourhoods(texts[:needed], vectors[:needed], 3, rows, 1, translations=translations))
    assert len(blocks) == 3
    assert all({*block.first, *block.second} == set(texts[:needed]) for block in blocks)


def test_there_are_as_many_blocks_as_asked_for_whatever_is_compared_at_a_time(circle):
    texts, vectors = circle
    assert len(list(neighbourhoods(texts, vectors, blocks=1100, rows=2, seed=1))) == 1100


def test_a_block_pairs_two_texts_of_each_group_and_no_group_stands_twice(groups):
    for block in same_meaning(groups, blocks=50, rows=6, seed=1):
        assert block.labels is None
        assert all(a != b and group_of(a) == group_of(b) for a, b in zip(block.first, block.second, strict=True))
        assert len(set(map(group_of, block.first))) == 6


def test_near_misses_meet_in_a_block(groups):
    for block in same_meaning(groups, blocks=50, rows=6, seed=1):
        chosen = [int(group_of(text)[1:]) for text in block.first]
        for place in {0, 1, 2, 9, 10, 11} & set(chosen[:4]):  # those whose near misses still fit in
            family = {0, 1, 2} if place < 9 else {9, 10, 11}
            assert family <= set(chosen)


def test_near_misses_that_are_not_trained_on_are_passed_over(groups):
    alone = groups[:1] + groups[3:9]
    (block,) = same_meaning(alone, blocks=1, rows=7, seed=1)
    assert set(map(group_of, block.first)) == {group.id for group in alone}


def test_groups_of_two_files_may_have_the_same_id():
    groups = [Group(id="1", texts={"en": (f"{n}-a", f"{n}-b")}) for n in range(6)]
    (block,) = same_meaning(groups, blocks=1, rows=6, seed=1)
    assert len(set(map(group_of, block.first))) == 6


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.3, 0.2, 0.4), (1.0, 1, 1)])
def test_a_share_of_the_rows_crosses_languages(groups, share, least, most):
    blocks = same_meaning(groups, blocks=100, rows=12, seed=1, across_languages=share)
    rows = chain.from_iterable(zip(block.first, block.second, strict=True) for block in blocks)
    assert least <= np.mean([a.split("-")[1] != b.split("-")[1] for a, b in rows]) <= most


def test_graded_pairs_come_with_their_similarity():
    pairs = [Pair(f"a{n}", f"b{n}", n / 10) for n in range(10)]
    known = {(pair.first, pair.second): pair.similarity for pair in pairs}
    for block in graded(pairs, blocks=10, rows=4, seed=1):
        rows = list(zip(block.first, block.second, strict=True))
        assert len(set(rows)) == 4
        np.testing.assert_allclose(block.labels, [[known[row]] for row in rows], rtol=1e-6)
    assert all(block.labels is None for block in graded(pairs, 2, 4, 1, labelled=False))


def test_sources_take_turns_until_there_are_enough_blocks():
    def named(name: str) -> Iterator[Block]:
        return (Block(first=(f"{name}{n}",), second=("",)) for n in range(3))

    taken = take_turns([named("a"), named("b")], 5)
    assert [block.first[0] for block in taken] == ["a0", "b0", "a1", "b1", "a2"]


def test_the_seed_decides_every_draw(circle, groups):
    texts, vectors = circle
    pairs = [Pair(f"a{n}", f"b{n}", n / 10) for n in range(10)]

    def drawn(seed: int) -> tuple[list[Block], ...]:
        return (
            list(neighbourhoods(texts, vectors, 5, 4, seed)),
            list(same_meaning(groups, 5, 6, seed)),
            list(graded(pairs, 5, 4, seed)),
        )

    for once, again, other in zip(drawn(1), drawn(1), drawn(2), strict=True):
        assert same(once, again)
        assert not same(once, other)
