import json
import shutil

import pytest
from onnx import TensorProto, helper

from models.directory import hash_file
from models.errors import ModelDirectoryError
from models.reranker import OnnxReranker
from models.reranker_directory import DEFAULT_RERANKER, compute_reranker_digest, write_reranker_spec
from models.types import RerankerSpec
from service.reranker_choice import absence_of, choose_reranker, load_reranking


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder without settings."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shipped(folder, random_reranker):
    """The folder of a package that ships a reranker."""
    shutil.copytree(random_reranker, folder / "shipped" / DEFAULT_RERANKER)
    return folder / "shipped"


@pytest.fixture
def own(folder, random_reranker):
    """A reranker of one's own."""
    return shutil.copytree(random_reranker, folder / "own-reranker")


def test_the_shipped_one_is_taken_where_it_is_there(shipped):
    assert choose_reranker(None, shipped) == shipped / DEFAULT_RERANKER
    assert load_reranking(None, shipped).label.startswith("random-reranker@")


def test_a_release_without_one_goes_without(folder):
    assert choose_reranker(None, folder) is None
    nothing = load_reranking(None, folder)
    assert (nothing.reranker, nothing.problem) == (None, None)
    assert nothing.absence == "no reranker is part of this release"


def test_the_setting_names_another_by_name_or_folder(shipped, own):
    shutil.copytree(own, shipped / "other")
    assert choose_reranker("other", shipped) == shipped / "other"
    assert choose_reranker(str(own), shipped) == own


def test_the_setting_none_goes_without_the_shipped_one(shipped):
    assert choose_reranker("none", shipped) is None
    assert load_reranking("none", shipped).absence == absence_of("none") == "the setting reranker is none"


def test_a_setting_that_names_what_is_not_there_is_one_line_with_its_spellings(shipped):
    with pytest.raises(ModelDirectoryError) as raised:
        load_reranking("other", shipped)
    assert str(raised.value) == (
        "setting reranker (FAQMATCH_RERANKER, or reranker in faqmatch.toml): reranker other: "
        f"neither a shipped one ({DEFAULT_RERANKER}) nor a folder that holds a spec.json"
    )


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "card.md"])
def test_a_damaged_one_is_a_problem_that_names_the_file_and_no_path(own, damage, name):
    damage(own / name)
    broken = load_reranking(str(own))
    assert broken.reranker is None
    assert broken.problem == (
        f"own-reranker/{name}: was changed or damaged (SHA-256 differs from spec.json): "
        "copy the model directory again from where it came"
    )


def test_a_shipped_one_without_its_spec_is_a_problem_and_not_absent(shipped):
    (shipped / DEFAULT_RERANKER / "spec.json").unlink()
    assert load_reranking(None, shipped).problem == (f"{DEFAULT_RERANKER}: no model directory: spec.json is missing")


def test_a_network_of_another_form_is_a_problem_at_once_and_not_with_the_first_query(own):
    value = helper.make_tensor_value_info("another", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("logit", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["another"], ["logit"])], "other", [value], [result])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (own / "model.onnx").write_bytes(network.SerializeToString())
    spec = OnnxReranker.open(seal(own)).spec
    broken = load_reranking(str(own))
    assert (broken.reranker, spec.name) == (None, "random-reranker")
    assert broken.problem == "own-reranker: cannot be loaded: see the log of the service"


def seal(folder):
    """Make the spec of a reranker's folder fit what lies in it."""
    recorded = json.loads((folder / "spec.json").read_bytes())
    files = {name: hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    fields = {name: recorded[name] for name in ("name", "max_tokens", "temperature", "both_directions")}
    digest = compute_reranker_digest(files, recorded["max_tokens"])
    write_reranker_spec(folder, RerankerSpec(digest=digest, languages=tuple(recorded["languages"]), **fields))
    return folder
