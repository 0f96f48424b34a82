from itertools import combinations

import numpy as np
import pytest

from models.errors import TrainingError
from models.training.batches import Block
from models.training.interaction_pairs import EncodedTexts, PairRows, development_blocks, rows_of
from models.training.pair_recipe import PairRecipe, PairTask
from models.training.texts import Group

TASK = PairTask(kind="groups", share=1, files=("faq.jsonl",))


class Remembering:
    """An encoder of texts that are numbers: an angle each."""

    def __init__(self):
        self.seen = []

    def encode(self, texts):
        self.seen += texts
        angles = np.array([float(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def block(first, second, labels):
    return Block(first=tuple(first), second=tuple(second), labels=np.array(labels, np.float32)[:, None])


def test_a_text_is_encoded_once_whoever_asks():
    encoder, told = Remembering(), []
    texts = EncodedTexts(encoder=encoder, on_progress=lambda *report: told.append(report))
    np.testing.assert_allclose(texts(["0", "1", "0"]), [[1, 0], [np.cos(1), np.sin(1)], [1, 0]], atol=1e-6)
    np.testing.assert_array_equal(texts.places(["2", "1"]), [2, 1])
    assert encoder.seen == ["0", "1", "2"]
    assert texts.vectors().shape == (3, 2)
    assert told == [("encode", 0, 2), ("encode", 2, 2), ("encode", 0, 1), ("encode", 1, 1)]


def test_progress_is_told_on_the_way():
    told = []
    EncodedTexts(encoder=Remembering(), on_progress=lambda *report: told.append(report))([str(n) for n in range(600)])
    assert told == [("encode", done, 600) for done in (0, 256, 512, 600)]


def test_rows_are_the_pairs_of_all_tasks_in_order():
    texts = EncodedTexts(encoder=Remembering())
    tasks = [[block("01", "12", [1, 0])], [block("2", "0", [0.5]), block("1", "1", [1])]]
    rows = rows_of(tasks, texts)
    said = [("0", "1"), ("1", "2"), ("2", "0"), ("1", "1")]
    np.testing.assert_array_equal(rows.first, texts.places([first for first, _ in said]))
    np.testing.assert_array_equal(rows.second, texts.places([second for _, second in said]))
    np.testing.assert_array_equal(rows.label, np.float32([1, 0, 0.5, 1]))
    np.testing.assert_array_equal(rows.task, [0, 0, 1, 1])
    assert len(rows) == 4


def test_cosines_are_those_of_the_pairs():
    vectors = np.float32([[1, 0], [0.6, 0.8]])
    places = np.arange(2)
    rows = PairRows(first=places, second=np.array([1, 1]), label=np.float32(places), task=places)
    np.testing.assert_allclose(rows.cosines(vectors), [0.6, 1], rtol=1e-6)


def groups(*languages, count=3):
    return [
        Group(
            id=f"g{number}",
            near=(f"g{(number + 1) % count}",),
            texts={one: tuple(f"{one} {number} {text}" for text in range(3)) for one in languages},
        )
        for number in range(count)
    ]


def test_what_is_measured_is_drawn_for_each_pair_of_languages():
    drawn = development_blocks([groups("zh", "en"), groups("en")], PairRecipe(steps=1, task=(TASK,), negatives=2))
    assert sorted(drawn) == ["en-en", "en-zh", "zh-zh"]
    sizes = {name: sum(len(one.first) for one in blocks) for name, blocks in drawn.items()}
    assert sizes == {"en-en": 2 * 8 * 3 * 3, "en-zh": 8 * 3 * 3, "zh-zh": 8 * 3 * 3}
    for name, blocks in drawn.items():
        for one in blocks:
            for first, second, (label,) in zip(one.first, one.second, one.labels, strict=True):
                assert {first[:2], second[:2]} == {*name.split("-")}
                assert (first.split()[1] == second.split()[1]) == (label == 1)


def test_it_is_the_same_whenever_it_is_drawn():
    recipe = PairRecipe(steps=1, task=(TASK,))
    first, second = (development_blocks([groups("en")], recipe)["en-en"] for _ in range(2))
    assert [(one.first, one.second) for one in first] == [(one.first, one.second) for one in second]
    assert all(one.first != other.first for one, other in combinations(first, 2))


@pytest.mark.parametrize("domains", [[], [[]], [groups("en", count=1)]])
def test_without_two_groups_there_is_nothing_to_measure(domains):
    with pytest.raises(TrainingError, match="leaves nothing to measure on"):
        development_blocks(domains, PairRecipe(steps=1, task=(TASK,)))
