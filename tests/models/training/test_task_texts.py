import pytest

from models.errors import TrainingError
from models.training.recipe import Recipe, Task, find_recipe, read_recipe
from models.training.task_texts import TaskTexts, blocks_of, require_rows, without_absent
from models.training.texts import Pair


def task(kind: str, *files: str, **settings: object) -> Task:
    return Task(**{"kind": kind, "share": 1, "files": files} | settings)


@pytest.fixture
def pairs(tmp_path, write_rows):
    rows = [f"a{n}\tb{n}\t{n % 2}" for n in range(40)]
    return write_rows(tmp_path / "pairs.tsv", "text_a\ttext_b\tlabel", *rows)


def test_an_optional_task_is_left_out_where_its_files_are(pairs, tmp_path, write_faq):
    own = read_recipe(find_recipe("own-faq"))
    assert [task.kind for task in without_absent(own, tmp_path).task] == ["pairs", "graded", "corpus"]
    write_faq(tmp_path / "faq.jsonl")
    assert without_absent(own, tmp_path) == own
    pairs.unlink()
    assert [task.kind for task in without_absent(own, tmp_path).task] == ["groups", "corpus"]


def test_of_optional_tasks_one_must_be_there(tmp_path):
    with pytest.raises(TrainingError) as refused:
        without_absent(read_recipe(find_recipe("own-faq")), tmp_path)
    assert str(refused.value) == f"{tmp_path}: holds none of faq.jsonl, pairs.tsv"


def test_a_recipe_without_optional_tasks_is_left_as_it_is(tmp_path):
    recipe = Recipe(steps=3, task=(task("groups", "none.jsonl"),))
    assert without_absent(recipe, tmp_path) == recipe


def test_tasks_share_the_steps_and_none_goes_without():
    def counts(*shares: float) -> list[int]:
        return blocks_of(Recipe(steps=10, task=tuple(task("pairs", "x", share=share) for share in shares)))

    assert counts(0.5, 0.5, 0.5) == [3, 4, 3]
    assert counts(1, 0.001) == [10, 1]


def test_rows_that_are_too_few_are_counted_and_named():
    require_rows(task("pairs", "x.tsv"), 20, 20)
    with pytest.raises(TrainingError, match=r"x\.tsv: 19 usable rows for the task pairs, a batch needs 20: add rows"):
        require_rows(task("pairs", "x.tsv"), 19, 20)


@pytest.mark.usefixtures("pairs")
def test_what_is_held_out_is_given_to_no_task(tmp_path, write_rows):
    write_rows(tmp_path / "held.jsonl", {"question": "A7!"})
    write_rows(tmp_path / "faq.jsonl", {"question": "a7", "similar": ["c", "d"]}, {"question": "a7", "similar": ["e"]})
    recipe = Recipe(steps=1, held_out=("held.jsonl",), task=(task("pairs", "pairs.tsv"),))
    texts = TaskTexts(recipe=recipe, data=tmp_path)
    found = texts.pairs(recipe.task[0])
    assert len(found) == 39
    assert Pair("a7", "b7", 1) not in found
    assert [group.texts for group in texts.groups(task("groups", "faq.jsonl"))] == [{"en": ("c", "d")}]
    assert texts.allowed(["a7", "A8"]) == ["A8"]


def test_the_corpus_is_given_by_domain_in_the_languages_of_the_recipe(tmp_path):
    recipe = Recipe(steps=1, languages=("zh",), task=(task("corpus", "bank", "game"),))
    bank, game = TaskTexts(recipe=recipe, data=tmp_path).corpus(recipe.task[0])
    assert bank[0].id.startswith("bank/")
    assert game[0].id.startswith("game/")
    assert set(bank[0].texts) == {"zh"}


@pytest.mark.usefixtures("pairs")
def test_pairs_of_label_one_are_groups_too(tmp_path):
    recipe = Recipe(steps=1, task=(task("groups", "pairs.tsv", language="zh"),))
    found = TaskTexts(recipe=recipe, data=tmp_path).groups(recipe.task[0])
    assert [group.texts["zh"] for group in found] == [(f"a{n}", f"b{n}") for n in range(1, 40, 2)]
