from pathlib import Path

import pytest

from models.errors import TrainingError
from models.training.pair_recipe import PairRecipe, PairTask
from models.training.recipe import read_recipe_of

PAGE = Path(__file__).parents[3] / "docs" / "training.md"
TASK = '[[task]]\nkind = "{kind}"\nshare = 1\nfiles = ["faq.jsonl"]\n'


@pytest.fixture
def read(tmp_path):
    def read(*lines: str, kind: str = "groups") -> PairRecipe:
        file = tmp_path / "recipe.toml"
        file.write_text("\n".join(("steps = 3", *lines, TASK.format(kind=kind))))
        return read_recipe_of(PairRecipe, file)

    return read


def test_without_a_word_negatives_are_mined_by_the_shipped_encoder(read):
    recipe = read()
    assert (recipe.encoder, recipe.negatives, recipe.mined) == ("question-encoder-zh-en", 3, 10)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("negatives = 0", "negatives: Input should be greater than or equal to 1"),
        ("near_misses = 1.5", "near_misses: Input should be less than or equal to 1"),
        ("mined = -1", "mined: Input should be greater than or equal to 0"),
        ("layers = 3", "layers: Extra inputs are not permitted"),
        ("rows = 30", "rows: 30 is no multiple of 4, one pair and its negatives"),
    ],
)
def test_a_wrong_key_is_named(read, line, problem):
    with pytest.raises(TrainingError, match=f"recipe.toml: {problem}$"):
        read(line)


def test_batches_of_pairs_may_have_any_number_of_rows(read):
    assert read("rows = 30", kind="pairs").rows == 30


def test_a_kind_of_the_encoders_recipes_is_refused(read):
    with pytest.raises(TrainingError, match=r"task\.0\.kind: Input should be 'corpus', 'groups', 'pairs' or 'graded'"):
        read(kind="distil")


def test_what_is_measured_is_not_trained_on(read):
    with pytest.raises(TrainingError, match=r"task\.0\.files: faq\.jsonl cannot be trained on and measured"):
        read('domains = ["faq.jsonl"]', kind="corpus")


def test_lists_are_what_has_negatives():
    assert [kind for kind in ("corpus", "groups", "pairs", "graded") if _task(kind).has_lists] == ["corpus", "groups"]


@pytest.mark.parametrize("table", [PairRecipe, PairTask])
def test_every_key_stands_in_the_documentation(table):
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in table.model_fields if f"| `{key}` |" not in page] == []


def _task(kind: str) -> PairTask:
    return PairTask(kind=kind, share=1, files=("a",))
