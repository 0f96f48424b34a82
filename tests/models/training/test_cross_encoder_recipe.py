import tomllib
from pathlib import Path

import pytest

from models.errors import TrainingError
from models.training.cross_encoder_recipe import CrossEncoderRecipe, read_cross_encoder_recipe
from models.training.pair_recipe import PairTask
from models.training.recipe import find_recipe
from models.training.texts import CORPUS

PAGE = Path(__file__).parents[3] / "docs" / "training.md"
TASK = '[[task]]\nkind = "groups"\nshare = 1\nfiles = ["faq.jsonl"]\n'


@pytest.fixture
def read(tmp_path):
    def read(*lines: str) -> CrossEncoderRecipe:
        file = tmp_path / "recipe.toml"
        file.write_text("\n".join(("steps = 3", *lines, TASK)))
        return read_cross_encoder_recipe(file)

    return read


def test_a_recipe_says_what_differs_and_the_rest_has_defaults(read):
    task = PairTask(kind="groups", share=1, files=("faq.jsonl",))
    recipe = read("rows = 16", "negatives = 7", "listwise = 0.5")
    assert recipe == CrossEncoderRecipe(steps=3, rows=16, negatives=7, listwise=0.5, task=(task,))
    assert (recipe.encoder, recipe.both_directions, recipe.max_tokens) == ("question-encoder-zh-en", False, 96)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("listwise = -0.5", "listwise: Input should be greater than or equal to 0"),
        ("candidates = 1", "candidates: Input should be greater than or equal to 2"),
        ("temperature = 0.05", "temperature: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_key_is_named(read, line, problem):
    with pytest.raises(TrainingError, match=f"recipe.toml: {problem}$"):
        read(line)


def test_the_recipe_of_the_shipped_reranker_is_one():
    recipe = read_cross_encoder_recipe(find_recipe("question-reranker-zh-en"))
    domains = {file.stem for file in CORPUS.glob("*.jsonl")}
    assert domains.issuperset(recipe.domains)
    assert recipe.domains
    assert all(domains.issuperset(task.files) for task in recipe.task if task.kind == "corpus")
    assert all(task.source for task in recipe.task)


def test_it_leaves_out_what_the_recipe_of_the_encoder_leaves_out():
    held_out = [
        tomllib.loads(find_recipe(name).read_text())["held_out"]
        for name in ("question-encoder-zh-en", "question-reranker-zh-en")
    ]
    assert held_out[0] == held_out[1]


def test_every_key_stands_in_the_documentation():
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in CrossEncoderRecipe.model_fields if f"| `{key}` |" not in page] == []
