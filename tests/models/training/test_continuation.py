import json

import pytest

from models.errors import TrainingError
from models.training.batches import Block
from models.training.continuation import is_trained, keep_recipe, last_checkpoint, require_same_start, step_of

RECIPE = 'steps = {steps}\n[[task]]\nkind = "groups"\nshare = 1\nfiles = ["faq.jsonl"]\n'
BLOCKS = [Block(first=("a", "b"), second=("c", "d")), Block(first=("e", "f"), second=("g", "h"))]


@pytest.fixture
def write_checkpoint(tmp_path):
    """Write what stands in the way of another start: a checkpoint, whole or as a kill leaves it."""

    def write(step: int, state: str | None = None) -> None:
        folder = tmp_path / "out" / "run" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
        if state != "":
            (folder / "trainer_state.json").write_text(state or json.dumps({"global_step": step}))

    return write


@pytest.fixture
def recipe(tmp_path):
    def write(steps: int, comment: str = ""):
        file = tmp_path / "mine.toml"
        file.write_text(comment + RECIPE.format(steps=steps))
        return file

    return write


@pytest.fixture
def base(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"trunk")
    return tmp_path / "base"


def test_the_last_checkpoint_is_that_of_the_highest_step(tmp_path, write_checkpoint):
    for step in (100, 20, 9):
        write_checkpoint(step)
    last = last_checkpoint(tmp_path / "out" / "run")
    assert last.name == "checkpoint-100"
    assert step_of(last) == 100


@pytest.mark.parametrize("state", ["", '{"global_st'])
def test_a_checkpoint_that_was_not_written_to_its_end_is_passed_over(tmp_path, write_checkpoint, state):
    write_checkpoint(20)
    write_checkpoint(40, state)
    assert last_checkpoint(tmp_path / "out" / "run").name == "checkpoint-20"


def test_before_the_first_checkpoint_there_is_none(tmp_path, write_checkpoint):
    assert last_checkpoint(tmp_path / "out" / "run") is None
    write_checkpoint(20, "")
    assert last_checkpoint(tmp_path / "out" / "run") is None


def test_a_training_has_ended_when_its_checkpoint_says_where_it_comes_from(tmp_path):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "model.safetensors").touch()
    assert not is_trained(tmp_path)
    (checkpoint / "PROVENANCE.md").touch()
    assert is_trained(tmp_path)


def test_the_recipe_is_kept_to_the_letter(tmp_path, recipe):
    keep_recipe(tmp_path / "out", file := recipe(30, "# mine\n"))
    assert (tmp_path / "out" / "recipe.toml").read_text() == file.read_text()


def test_another_recipe_is_refused_once_there_is_a_checkpoint(tmp_path, recipe, write_checkpoint):
    keep_recipe(tmp_path / "out", recipe(30))
    keep_recipe(tmp_path / "out", recipe(40))
    write_checkpoint(20)
    with pytest.raises(TrainingError) as refused:
        keep_recipe(tmp_path / "out", recipe(50))
    assert str(refused.value) == (
        f"{tmp_path / 'out'}: was begun with another recipe, kept there as recipe.toml: go on with that one, or "
        "choose another folder"
    )
    assert "steps = 40" in (tmp_path / "out" / "recipe.toml").read_text()


def test_a_recipe_that_only_says_it_in_other_words_is_the_same(tmp_path, recipe, write_checkpoint):
    keep_recipe(tmp_path / "out", recipe(30))
    write_checkpoint(20)
    keep_recipe(tmp_path / "out", recipe(30, "# a comment\nrows = 32\n"))


def test_another_recipe_is_refused_in_a_folder_that_was_trained_to_the_end(tmp_path, recipe):
    keep_recipe(tmp_path / "out", recipe(30))
    (tmp_path / "out" / "checkpoint").mkdir()
    (tmp_path / "out" / "checkpoint" / "PROVENANCE.md").touch()
    with pytest.raises(TrainingError, match="was begun with another recipe"):
        keep_recipe(tmp_path / "out", recipe(40))


def test_the_kept_recipe_can_be_given_again(tmp_path, recipe, write_checkpoint):
    keep_recipe(tmp_path / "out", recipe(30))
    write_checkpoint(20)
    keep_recipe(tmp_path / "out", tmp_path / "out" / "recipe.toml")
    assert "steps = 30" in (tmp_path / "out" / "recipe.toml").read_text()


def test_other_texts_or_another_trunk_are_refused_once_there_is_a_checkpoint(tmp_path, base, write_checkpoint):
    out = tmp_path / "out"
    require_same_start(out, base, BLOCKS[:1])
    require_same_start(out, base, BLOCKS)
    write_checkpoint(20)
    require_same_start(out, base, BLOCKS)
    for others in (BLOCKS[:1], BLOCKS[::-1], [BLOCKS[0], Block(first=("e", "f"), second=("g", "i"))]):
        with pytest.raises(TrainingError, match="was begun with other training data or another base: choose another"):
            require_same_start(out, base, others)
    (base / "model.safetensors").write_bytes(b"trunk!")
    with pytest.raises(TrainingError, match="was begun with other training data or another base"):
        require_same_start(out, base, BLOCKS)
