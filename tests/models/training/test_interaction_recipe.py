import tomllib
from pathlib import Path

import pytest

from models.errors import TrainingError
from models.training.interaction_recipe import InteractionRecipe, read_interaction_recipe
from models.training.pair_recipe import PairTask
from models.training.recipe import find_recipe
from models.training.texts import CORPUS

PAGE = Path(__file__).parents[3] / "docs" / "training.md"
TASK = '[[task]]\nkind = "groups"\nshare = 1\nfiles = ["faq.jsonl"]\n'


@pytest.fixture
def read(tmp_path):
    def read(*lines: str) -> InteractionRecipe:
        file = tmp_path / "recipe.toml"
        file.write_text("\n".join(("steps = 3", *lines, TASK)))
        return read_interaction_recipe(file)

    return read


def test_a_recipe_says_what_differs_and_the_rest_has_defaults(read):
    task = PairTask(kind="groups", share=1, files=("faq.jsonl",))
    recipe = read("hidden = 8", "product = true")
    assert recipe == InteractionRecipe(steps=3, hidden=8, product=True, task=(task,))
    assert (recipe.rows, recipe.learning_rate, recipe.dropout, recipe.weight_decay) == (128, 3e-4, 0, 0.1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hidden = 0", "hidden: Input should be greater than or equal to 1"),
        ("dropout = 1.0", "dropout: Input should be less than 1"),
        ("weight_decay = -1.0", "weight_decay: Input should be greater than or equal to 0"),
        ("layers = 2", "layers: Extra inputs are not permitted"),
        ("trunk = 'x'", "trunk: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_key_is_named(read, line, problem):
    with pytest.raises(TrainingError, match=f"recipe.toml: {problem}$"):
        read(line)


def test_the_shipped_recipe_is_one_and_leaves_out_what_that_of_the_encoder_leaves_out():
    recipe = read_interaction_recipe(find_recipe("question-encoder-interaction"))
    domains = {file.stem for file in CORPUS.glob("*.jsonl")}
    assert domains.issuperset(recipe.domains)
    assert recipe.domains
    assert all(domains.issuperset(task.files) for task in recipe.task if task.kind == "corpus")
    assert all(task.source for task in recipe.task)
    of_encoder = tomllib.loads(find_recipe("question-encoder-zh-en").read_text())
    assert list(recipe.held_out) == of_encoder["held_out"]


def test_every_key_stands_in_the_documentation():
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in InteractionRecipe.model_fields if f"| `{key}` |" not in page] == []
