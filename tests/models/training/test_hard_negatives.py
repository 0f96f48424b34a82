import numpy as np

from models.training.hard_negatives import nearest_of_other_meaning
from models.training.texts import Group


def encode(texts):
    """A text ends with its direction in degrees."""
    angles = np.radians([float(text.split()[-1]) for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def group(name: str, **texts: tuple[str, ...]) -> Group:
    return Group(id=name, texts=texts)


def test_the_nearest_texts_of_other_groups_are_found_nearest_first():
    groups = [group("a", en=("a 0", "a 5")), group("b", en=("b 3", "b 40")), group("c", en=("c 30", "c 2"))]
    found = nearest_of_other_meaning(groups, encode, 3)
    assert found[0, "a 0"] == {"en": ("c 2", "b 3", "c 30")}
    assert found[1, "b 40"] == {"en": ("c 30", "a 5", "c 2")}
    assert found.keys() == {(place, text) for place, one in enumerate(groups) for text in one.texts["en"]}


def test_each_language_has_its_own():
    groups = [group("a", en=("a 0", "a 9"), zh=("甲 1", "甲 8")), group("b", en=("b 50",), zh=("乙 30", "乙 5"))]
    assert nearest_of_other_meaning(groups, encode, 1)[0, "a 0"] == {"en": ("b 50",), "zh": ("乙 5",)}
    assert nearest_of_other_meaning(groups, encode, 9)[1, "乙 5"] == {"en": ("a 9", "a 0"), "zh": ("甲 8", "甲 1")}


def test_a_text_that_stands_in_two_groups_is_no_negative_of_either():
    groups = [group("a", en=("Same 7", "a 0")), group("b", en=("same 7!"[:-1], "b 1")), group("c", en=("c 90", "c 8"))]
    found = nearest_of_other_meaning(groups, encode, 9)
    assert found[0, "a 0"] == {"en": ("b 1", "c 8", "c 90")}
    assert found[1, "same 7"] == {"en": ("c 8", "a 0", "c 90")}
    assert set(found[2, "c 8"]["en"]) == {"Same 7", "same 7", "a 0", "b 1"}


def test_more_texts_than_are_compared_at_a_time_are_compared():
    groups = [group(str(n), en=(f"x {n / 10}", f"y {n / 10}1")) for n in range(400)]
    found = nearest_of_other_meaning(groups, encode, 2)
    assert len(found) == 800
    assert found[399, "x 39.9"] == {"en": ("y 39.81", "x 39.8")}
