import pytest

from models.errors import CheckpointError
from models.staging import require_possible, staged


def test_what_was_made_takes_the_place_of_what_was_there(tmp_path):
    out = tmp_path / "new" / "model"
    for content in ("first", "second"):
        with staged(out) as staging:
            (staging / content).write_text(content)
            (staging.parent / "scratch").write_text("")
        assert [file.name for file in out.iterdir()] == [content]
    assert [folder.name for folder in out.parent.iterdir()] == ["model"]


def test_what_goes_wrong_leaves_what_was_there(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "spec.json").write_text("{}")
    with pytest.raises(RuntimeError), staged(tmp_path / "model") as staging:  # noqa: PT012 (the block is what is tested)
        (staging / "half").write_text("")
        raise RuntimeError
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "spec.json"]


def test_only_a_model_or_an_empty_folder_is_replaced(tmp_path):
    require_possible(tmp_path / "nothing", "tiny", 40, 40)
    (tmp_path / "model").mkdir()
    require_possible(tmp_path / "model", "tiny", 40, 40)
    (tmp_path / "model" / "thesis.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="model: is there and is no model directory: choose another folder"):
        require_possible(tmp_path / "model", "tiny", 40, 40)
    (tmp_path / "model" / "spec.json").write_text("{}")
    require_possible(tmp_path / "model", "tiny", 40, 40)


def test_a_name_or_a_length_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="name 'a/b': only letters, digits, _, - and"):
        require_possible(tmp_path / "model", "a/b", 40, 40)
    with pytest.raises(CheckpointError, match="max_tokens 41: this network reads 40 at most"):
        require_possible(tmp_path / "model", "tiny", 41, 40)
