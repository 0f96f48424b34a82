import json
from dataclasses import replace

import pytest

from models import directory
from models.directory import PRETRAINED, open_directory, shipped_models, shipped_rerankers
from models.errors import ModelDirectoryError
from models.reranker_directory import (
    compute_reranker_digest,
    find_reranker,
    open_reranker_directory,
    write_reranker_spec,
)

FILES = ("model.onnx", "tokenizer.json", "card.md")


def digest_of(path, max_tokens=40):
    files = {name: directory.hash_file(path / name) for name in ("model.onnx", "tokenizer.json")}
    return compute_reranker_digest(files, max_tokens)


@pytest.fixture
def path(tmp_path, reranker_spec):
    """A whole directory, as far as hashes tell."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(name.encode() * 100)
    write_reranker_spec(folder, reranker_spec(digest=digest_of(folder), temperature=1.5, languages=("zh", "en")))
    return folder


def edit_spec(path, **fields):
    file = path / "spec.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | fields))


def test_a_directory_makes_the_round_trip(path, reranker_spec):
    opened = open_reranker_directory(path)
    assert opened.spec == reranker_spec(digest=digest_of(path), temperature=1.5, languages=("zh", "en"))
    assert opened.spec.label == f"tiny@{digest_of(path)[:12]}"
    assert set(opened.sha256) == set(FILES)
    assert opened.size == sum(len(name) * 100 for name in FILES) + (path / "spec.json").stat().st_size


def test_an_encoder_and_a_reranker_are_not_taken_for_each_other(path):
    with pytest.raises(ModelDirectoryError, match=r"spec\.json: is that of a model of the kind reranker, not encoder"):
        open_directory(path)
    with pytest.raises(ModelDirectoryError, match=r"spec\.json: is that of a model of the kind encoder, not reranker"):
        open_reranker_directory(PRETRAINED / directory.DEFAULT_MODEL)


def test_a_shipped_reranker_is_not_among_the_encoders(path, monkeypatch):
    monkeypatch.setattr(directory, "PRETRAINED", path.parent)
    assert list(shipped_models()) == []
    (path / "spec.json").write_text("{")
    assert list(shipped_models()) == [path], "what cannot be read is not hidden"


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_or_missing_file_is_refused_by_name(path, name):
    (path / name).write_bytes(b"damaged")
    with pytest.raises(ModelDirectoryError, match=f"{name}: was changed or damaged"):
        open_reranker_directory(path)
    (path / name).unlink()
    with pytest.raises(ModelDirectoryError, match=f"{name}: is missing"):
        open_reranker_directory(path)


def test_the_digest_is_that_of_the_logits_and_not_of_how_they_are_read(path):
    for same in ({"temperature": 3.0}, {"both_directions": True}, {"languages": ["zh"]}, {"name": "other"}):
        edit_spec(path, **same)
        assert open_reranker_directory(path).spec.digest == digest_of(path)
    edit_spec(path, max_tokens=39)
    with pytest.raises(ModelDirectoryError, match="digest does not follow from its files and settings"):
        open_reranker_directory(path)
    assert digest_of(path, 39) != digest_of(path)
    (path / "model.onnx").write_bytes(b"another network")
    assert digest_of(path) != open_spec_digest(path)


def open_spec_digest(path):
    return json.loads((path / "spec.json").read_bytes())["digest"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"temperature": 0}, "temperature must be above 0"),
        ({"temperature": -1.0}, "temperature must be above 0"),
        ({"temperature": float("nan")}, "temperature must be above 0"),
        ({"temperature": float("inf")}, "temperature must be above 0"),
        ({"temperature": "warm"}, "could not convert"),
        ({"both_directions": 1}, "both_directions must be true or false"),
        ({"max_tokens": 40.0}, "max_tokens must be a whole number"),
        ({"languages": None}, "is no spec of a model"),
        ({"name": "../elsewhere"}, "is no plain name"),
        ({"format_version": 2}, "this release reads 1: upgrade faqmatch"),
    ],
)
def test_a_spec_that_is_none_is_refused_with_what_is_wrong(path, fields, problem):
    edit_spec(path, **fields)
    with pytest.raises(ModelDirectoryError, match=rf"spec\.json: .*{problem}"):
        open_reranker_directory(path)


def test_a_spec_that_lacks_a_number_names_it(path, reranker_spec):
    raw = json.loads((path / "spec.json").read_bytes())
    del raw["temperature"]
    (path / "spec.json").write_text(json.dumps(raw))
    with pytest.raises(ModelDirectoryError, match="'temperature'"):
        open_reranker_directory(path)
    write_reranker_spec(path, replace(reranker_spec(), digest=digest_of(path)))
    assert open_reranker_directory(path).spec.temperature == 1.0


def test_a_reranker_is_found_by_the_name_of_a_shipped_one_or_by_its_folder(path, monkeypatch):
    assert list(shipped_rerankers(path.parent)) == [path]
    assert find_reranker("tiny", path.parent) == path
    monkeypatch.chdir(path)
    assert find_reranker(".", path.parent / "nowhere").resolve() == path.resolve()


def test_an_encoder_is_not_among_the_shipped_rerankers():
    assert all(found.name != directory.DEFAULT_MODEL for found in shipped_rerankers())


def test_an_unknown_reranker_is_one_line_that_lists_those_there_are(path):
    told = r"^reranker none-such: neither a shipped one \(tiny\) nor a folder that holds a spec\.json$"
    with pytest.raises(ModelDirectoryError, match=told):
        find_reranker("none-such", path.parent)
    with pytest.raises(ModelDirectoryError, match=r"\(none\)"):
        find_reranker("none-such", path)
