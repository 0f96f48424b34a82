import numpy as np
import pytest

from models.errors import TrainingError
from models.training.development import DevelopmentMetric
from models.training.texts import Group


class Places:
    """Stands for a model: a text ends with its direction in degrees."""

    def __init__(self) -> None:
        self.prompts: set[str] = set()

    def encode(self, texts, *, prompt_name, normalize_embeddings, show_progress_bar):
        assert normalize_embeddings
        assert not show_progress_bar
        self.prompts.add(prompt_name)
        angles = np.radians([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def group(name: str, **degrees: tuple[int, ...]) -> Group:
    return Group(id=name, texts={language: tuple(f"{name} {n}" for n in all_) for language, all_ in degrees.items()})


def test_the_last_phrasing_asks_and_the_others_are_stored():
    groups = [group("a", en=(0, 10, 20)), group("b", en=(90, 100, 40)), group("c", en=(200, 210))]
    assert DevelopmentMetric(groups)(Places()) == {"p_at_1_en-en": pytest.approx(2 / 3), "p_at_1": pytest.approx(2 / 3)}


def test_of_four_phrasings_two_ask():
    groups = [group("a", en=(0, 10, 20, 80)), group("b", en=(90, 100))]
    assert DevelopmentMetric(groups)(Places())["p_at_1"] == pytest.approx(2 / 3)


def test_across_languages_all_phrasings_of_the_other_are_stored():
    groups = [group("a", en=(0, 5), zh=(60, 65)), group("b", en=(100, 105), zh=(0, 10))]
    found = DevelopmentMetric(groups)(Places())
    assert found == {
        "p_at_1_en-en": 1.0,
        "p_at_1_zh-zh": 1.0,
        "p_at_1_en-zh": 0.0,
        "p_at_1_zh-en": 0.0,
        "p_at_1": 0.5,
    }
    turned = [group("a", en=(0, 5), zh=(0, 2)), group("b", en=(100, 105), zh=(10, 12))]
    found = DevelopmentMetric(turned)(Places())
    assert (found["p_at_1_zh-en"], found["p_at_1_en-zh"], found["p_at_1"]) == (0.5, 1.0, 0.875)


def test_questions_are_encoded_with_their_prompt():
    model = Places()
    DevelopmentMetric([group("a", en=(0, 5)), group("b", en=(90, 95))])(model)
    assert model.prompts == {"query"}


def test_languages_that_share_no_groups_are_not_compared():
    groups = [group("a", en=(0, 5)), group("b", en=(90, 95)), group("c", zh=(0, 5)), group("d", zh=(90, 80))]
    assert set(DevelopmentMetric(groups)(Places())) == {"p_at_1_en-en", "p_at_1_zh-zh", "p_at_1"}


def test_a_group_of_one_language_does_not_disturb_those_of_two():
    groups = [group("a", en=(0, 5), zh=(0, 5)), group("b", en=(90, 95), zh=(90, 95)), group("c", en=(200, 205))]
    found = DevelopmentMetric(groups)(Places())
    assert set(found) == {"p_at_1_en-en", "p_at_1_en-zh", "p_at_1_zh-en", "p_at_1_zh-zh", "p_at_1"}
    assert found["p_at_1"] == 1


@pytest.mark.parametrize("groups", [[], [group("a", en=(0, 5))], [group("a", en=(0, 5)), group("b", zh=(0, 5))]])
def test_where_no_two_groups_can_be_told_apart_there_is_nothing_to_measure(groups):
    with pytest.raises(TrainingError, match="the recipe leaves nothing to measure on: name domains, or"):
        DevelopmentMetric(groups)


def test_the_library_is_told_which_number_decides():
    metric = DevelopmentMetric([group("a", en=(0, 5)), group("b", en=(90, 95))])
    assert (metric.primary_metric, metric.greater_is_better) == ("p_at_1", True)
