import time

import pytest

from benchmarks.siamese_vs_cross_encoder.alternating import take_turns


def test_all_variants_take_turns_on_the_same_items_within_each_block_another_one_first_each_time():
    called = []
    variants = {name: lambda item, name=name: called.append((name, item)) for name in "abc"}
    taken = take_turns(variants, range(25), blocks=10, warm_up=0)
    assert {name: times.shape for name, times in taken.items()} == {"a": (25,), "b": (25,), "c": (25,)}
    items, first = [], []
    while called:
        size = next(n for n in range(1, 9) if len({name for name, _ in called[: 3 * n]}) == 3)
        block, called = called[: 3 * size], called[3 * size :]
        turns = [block[size * turn : size * (turn + 1)] for turn in range(3)]
        assert all(len({name for name, _ in turn}) == 1 for turn in turns)
        assert len({tuple(item for _, item in turn) for turn in turns}) == 1, "the same items"
        items.append([item for _, item in turns[0]])
        first.append(turns[0][0][0])
    assert [item for block in items for item in block] == list(range(25))
    assert len(items) == 10
    assert "".join(first) == "abcabcabca"


def test_a_warm_up_is_not_timed():
    called = []
    taken = take_turns({"only": called.append}, ["x", "y", "z"], blocks=3, warm_up=2)
    assert called == ["x", "y", "x", "y", "z"]
    assert len(taken["only"]) == 3


def test_times_are_milliseconds_of_the_item_they_stand_for():
    taken = take_turns({"sleep": time.sleep}, [0.0, 0.03], blocks=2, warm_up=0)["sleep"]
    assert taken[0] < 25
    assert taken[1] >= 30
    assert taken[1] == pytest.approx(30, abs=300)
