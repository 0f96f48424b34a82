import tomllib
from pathlib import Path

import pytest

from models.errors import TrainingError
from models.training.cross_encoder_recipe import CrossEncoderRecipe, CrossEncoderTask, read_cross_encoder_recipe
from models.training.recipe import find_recipe
from models.training.texts import CORPUS

PAGE = Path(__file__).parents[3] / "docs" / "training.md"
TASK = '[[task]]\nkind = "{kind}"\nshare = 1\nfiles = ["faq.jsonl"]\n'


@pytest.fixture
def read(tmp_path):
    def read(*lines: str, kind: str = "groups") -> CrossEncoderRecipe:
        file = tmp_path / "recipe.toml"
        file.write_text("\n".join(("steps = 3", *lines, TASK.format(kind=kind))))
        return read_cross_encoder_recipe(file)

    return read


def test_a_recipe_says_what_differs_and_the_rest_has_defaults(read):
    task = CrossEncoderTask(kind="groups", share=1, files=("faq.jsonl",))
    recipe = read("rows = 16", "negatives = 7", "listwise = 0.5")
    assert recipe == CrossEncoderRecipe(steps=3, rows=16, negatives=7, listwise=0.5, task=(task,))
    assert (recipe.encoder, recipe.both_directions, recipe.max_tokens) == ("question-encoder-zh-en", False, 96)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("negatives = 0", "negatives: Input should be greater than or equal to 1"),
        ("near_misses = 1.5", "near_misses: Input should be less than or equal to 1"),
        ("mined = -1", "mined: Input should be greater than or equal to 0"),
        ("listwise = -0.5", "listwise: Input should be greater than or equal to 0"),
        ("candidates = 1", "candidates: Input should be greater than or equal to 2"),
        ("temperature = 0.05", "temperature: Extra inputs are not permitted"),
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


@pytest.mark.parametrize("table", [CrossEncoderRecipe, CrossEncoderTask])
def test_every_key_stands_in_the_documentation(table):
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in table.model_fields if f"| `{key}` |" not in page] == []
