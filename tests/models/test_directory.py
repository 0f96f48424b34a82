import dataclasses
import json

import pytest

from models import directory
from models.directory import PRETRAINED, find_model, open_directory, shipped_models, spec_from_json, spec_to_json
from models.errors import ModelDirectoryError
from models.types import EncoderSpec

FILES = ("model.onnx", "tokenizer.json", "confidence.json", "card.md")


def make_spec(path, **fields) -> EncoderSpec:
    values = {
        "name": "tiny",
        "dim": 4,
        "pooling": "mean",
        "max_tokens": 64,
        "languages": ("zh", "en"),
        "prefixes": {"question": "query: ", "answer": ""},
    } | fields
    files = {name: directory.hash_file(path / name) for name in FILES if (path / name).is_file()}
    digest = directory.compute_digest(files, values["pooling"], values["prefixes"], values["max_tokens"])
    return EncoderSpec(digest=digest, **values)


@pytest.fixture
def path(tmp_path):
    """A whole model directory, as far as hashes tell."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(name.encode() * 100)
    directory.write_spec(folder, make_spec(folder))
    return folder


def edit_spec(path, **fields):
    file = path / "spec.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | fields))


def test_a_directory_makes_the_round_trip(path):
    opened = open_directory(path)
    assert opened.spec == make_spec(path)
    assert opened.spec.label == f"tiny@{opened.spec.digest[:12]}"
    assert set(opened.sha256) == set(FILES)
    assert opened.file("card.md") == path / "card.md"
    assert opened.size == sum(len(name) * 100 for name in FILES) + (path / "spec.json").stat().st_size


def test_a_spec_makes_the_round_trip_through_json(path):
    spec = make_spec(path)
    assert spec_from_json(json.loads(json.dumps(spec_to_json(spec)))) == spec


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [lambda c: bytes([c[0] ^ 1]) + c[1:], lambda c: c[:-1], lambda _: b"", lambda c: c + b"\n"],
    ids=["one bit", "truncated", "emptied", "lengthened"],
)
def test_a_damaged_file_is_refused_by_name(path, name, damage):
    (path / name).write_bytes(damage((path / name).read_bytes()))
    with pytest.raises(ModelDirectoryError, match=rf"{name}: was changed or damaged .* copy the model directory again"):
        open_directory(path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(path, name):
    (path / name).unlink()
    with pytest.raises(ModelDirectoryError, match=f"{name}: is missing"):
        open_directory(path)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_refused_by_name(path, name):
    (path / name).unlink()
    (path / name).mkdir()
    with pytest.raises(ModelDirectoryError, match=f"{name}: cannot be read"):
        open_directory(path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_sealed_without_is_refused_by_name(path, name):
    (path / name).unlink()
    directory.write_spec(path, make_spec(path))
    with pytest.raises(ModelDirectoryError, match=f"records no hash of {name}"):
        open_directory(path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", ".DS_Store", "folder"])
def test_a_stray_file_is_refused_by_name(path, name):
    (path / name).mkdir() if name == "folder" else (path / name).write_bytes(b"")
    with pytest.raises(ModelDirectoryError, match=f"holds {name}, which spec.json does not name: remove it"):
        open_directory(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"pooling": "cls"},
        {"max_tokens": 65},
        {"prefixes": {"question": "", "answer": ""}},
        {"digest": "0" * 64},
    ],
)
def test_an_edited_spec_whose_digest_no_longer_follows_is_refused(path, fields):
    edit_spec(path, **fields)
    with pytest.raises(ModelDirectoryError, match=r"spec\.json: digest does not follow from its files and settings"):
        open_directory(path)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"dim": "4"}, "dim and max_tokens must be whole numbers"),
        ({"max_tokens": 64.0}, "dim and max_tokens must be whole numbers"),
        ({"pooling": "max"}, "pooling must be one of mean, cls"),
        ({"prefixes": "abc"}, "is no spec of a model"),
        ({"prefixes": {"answer": ""}}, "'question'"),
        ({"prefixes": {"question": 1, "answer": ""}}, "the prefix of a question must be a text"),
        ({"languages": None}, "is no spec of a model"),
        ({"sha256": []}, "is no spec of a model"),
        ({"sha256": "abc"}, "is no spec of a model"),
        ({"name": "../../elsewhere"}, "'../../elsewhere' is no plain name"),
        ({"name": ""}, "'' is no plain name"),
        ({"name": 5}, "is no spec of a model"),
    ],
)
def test_a_spec_that_is_none_is_refused_with_what_is_wrong(path, fields, problem):
    edit_spec(path, **fields)
    with pytest.raises(ModelDirectoryError, match=rf"spec\.json: .*{problem}"):
        open_directory(path)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "..", ".", "", "inner/file", "nul\0"])
def test_a_recorded_name_that_leads_out_of_the_directory_is_refused(path, name):
    (path.parent / "outside").write_bytes(b"secret")
    recorded = json.loads((path / "spec.json").read_bytes())["sha256"]
    edit_spec(path, sha256=recorded | {name: directory.hash_file(path.parent / "outside")})
    with pytest.raises(ModelDirectoryError, match="is no plain name"):
        open_directory(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "5", '"a"', "{}"])
def test_a_damaged_spec_is_refused(path, content):
    (path / "spec.json").write_text(content)
    with pytest.raises(ModelDirectoryError, match=r"spec\.json: (cannot be read|is no spec of a model)"):
        open_directory(path)


def test_a_later_format_is_refused_with_the_way_out(path):
    edit_spec(path, format_version=directory.FORMAT_VERSION + 1)
    with pytest.raises(ModelDirectoryError, match="format 2, this release reads 1: upgrade faqmatch"):
        open_directory(path)


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_what_is_no_model_directory_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelDirectoryError, match=name):
        open_directory(tmp_path / name)


def test_the_digest_depends_on_all_that_a_vector_depends_on_and_on_nothing_else(path):
    digest = make_spec(path).digest
    for changed in ({"pooling": "cls"}, {"max_tokens": 63}, {"prefixes": {"question": "", "answer": ""}}):
        assert make_spec(path, **changed).digest != digest
    for same in ({"name": "other"}, {"languages": ("en",)}):
        assert make_spec(path, **same).digest == digest
    (path / "card.md").write_bytes(b"another card")
    assert make_spec(path).digest == digest
    (path / "tokenizer.json").write_bytes(b"another tokenizer")
    assert make_spec(path).digest != digest


def test_a_model_is_found_by_its_folder_and_a_shipped_one_by_its_name(path):
    assert find_model(str(path)) == path
    for shipped in shipped_models():
        assert find_model(shipped.name) == shipped
        assert shipped.parent == PRETRAINED
    with pytest.raises(ModelDirectoryError, match=r"model nowhere: neither a shipped model \(.*\) nor a folder"):
        find_model("nowhere")


def test_the_shipped_model_is_whole_and_small_enough(shipped_directory):
    opened = open_directory(shipped_directory)
    assert shipped_directory in list(shipped_models())
    assert opened.spec.languages == ("zh", "en")
    assert opened.spec.name == "question-encoder-zh-en"
    assert opened.size <= 45_000_000
    assert dataclasses.asdict(opened.spec)["dim"] == 384


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("i forgot my password", "how do I reset my password", "where is my parcel"),
        ("我忘记密码了", "如何重置密码", "我的快递在哪里"),
        ("我忘记密码了", "how do I reset my password", "where is my parcel"),
        ("when will my order arrive", "我的订单什么时候到", "如何重置密码"),
    ],
)
def test_the_shipped_model_knows_what_means_the_same(shipped_encoder, question, near, far):
    asked, right, wrong = shipped_encoder.encode([question, near, far])
    assert asked @ right > asked @ wrong + 0.02
