import shutil
from dataclasses import replace

import pytest

from models.directory import DEFAULT_MODEL, PRETRAINED
from models.reranker_directory import DEFAULT_RERANKER
from service.doctor import models
from service.doctor.knowledge_bases import MODEL_MEMORY


def check(home):
    return list(models.check_home_models(home, models.model_problems(home)))


@pytest.fixture
def model(home, encoder):
    return home.model_path(encoder.spec)


def test_the_shipped_model_is_whole():
    [found] = models.check_shipped_models([PRETRAINED / DEFAULT_MODEL])
    assert str(found) == f"shipped model {DEFAULT_MODEL}: whole"


def test_a_package_without_its_model_is_a_failure():
    [found] = models.check_shipped_models([])
    assert str(found) == f"shipped model {DEFAULT_MODEL}: is missing: install faqmatch again"


def test_a_damaged_model_of_the_package_is_a_failure(model, tmp_path, damage):
    shutil.copytree(model, tmp_path / DEFAULT_MODEL)
    damage(tmp_path / DEFAULT_MODEL / "tokenizer.json")
    [found] = models.check_shipped_models([tmp_path / DEFAULT_MODEL])
    assert (found.status, found.fix) == ("fail", "install faqmatch again")
    assert "tokenizer.json: was changed or damaged" in found.finding


@pytest.fixture
def reranker(tmp_path, random_reranker, monkeypatch):
    """A reranker of one's own, in a working folder without settings."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(random_reranker, tmp_path / "own")


def test_the_reranker_that_the_service_would_take_is_whole(reranker, tmp_path):
    found = models.check_reranker(str(reranker))
    assert (found.status, found.what) == ("ok", "reranker")
    assert str(found).startswith("reranker: random-reranker@")
    shutil.copytree(reranker, tmp_path / "shipped" / DEFAULT_RERANKER)
    assert models.check_reranker(None, tmp_path / "shipped") == found
    assert models.memory_of_reranker(None, tmp_path / "shipped") == MODEL_MEMORY


def test_no_reranker_is_all_right_and_takes_no_memory(tmp_path):
    assert str(models.check_reranker(None, tmp_path)) == "reranker: none, no reranker is part of this release"
    assert str(models.check_reranker("none")) == "reranker: none, the setting reranker is none"
    assert models.memory_of_reranker("none") == models.memory_of_reranker(None, tmp_path) == 0


def test_a_damaged_reranker_is_told_since_queries_go_on_without_it(reranker, damage):
    damage(reranker / "tokenizer.json")
    found = models.check_reranker(str(reranker))
    assert found.status == "warn"
    assert found.finding == (
        f"{reranker / 'tokenizer.json'}: was changed or damaged (SHA-256 differs from spec.json); "
        "queries go on without it"
    )
    assert found.fix == "copy the model directory again from where it came"


@pytest.mark.usefixtures("reranker")
def test_a_reranker_that_is_not_there_stops_the_service_and_so_fails():
    found = models.check_reranker("no-such")
    assert (found.status, found.fix) == ("fail", "correct it, or take it out of the settings")
    assert "reranker no-such: neither a shipped one" in found.finding
    assert found.finding.endswith("the service will not start")
    assert models.memory_of_reranker("no-such") == 0


def test_the_model_of_a_version_is_whole(home, encoder):
    assert [str(found) for found in check(home)] == [f"model {encoder.spec.label}: whole"]


def test_a_damaged_model_of_a_version_is_a_failure(home, model, damage):
    damage(model / "confidence.json")
    [found] = check(home)
    assert (found.status, found.fix) == ("fail", "restore it from a backup, or index again")
    assert "confidence.json: was changed or damaged" in found.finding


def test_a_model_in_the_folder_of_another_is_told(home, model, encoder):
    other = model.with_name("other@0123456789ab")
    model.rename(other)
    [found] = check(home)
    assert (found.status, found.finding) == (
        "warn",
        f"{other}: holds {encoder.spec.label}; no version uses it",
    )
    assert found.fix == f"remove {other}"


def test_a_model_that_no_version_uses_any_more_is_told_with_its_size(home, encoder):
    shutil.rmtree(home.path / "kbs")
    [found] = check(home)
    assert (found.status, found.what) == ("ok", f"model {encoder.spec.label}")
    assert found.finding.startswith("whole; no version uses it, its 43.")
    assert found.finding.endswith(" MB may be removed")


def test_a_model_that_only_a_kb_json_names_is_in_use(home, model):
    kb = home.knowledge_base("demo")
    shutil.rmtree(kb.versions)
    assert models.models_in_use(home) == set()
    kb.write_settings(replace(kb.read_settings(), encoder=str(model)))
    assert models.models_in_use(home) == {model.name}


def test_a_kb_json_that_cannot_be_read_names_no_model(home, encoder):
    home.knowledge_base("demo").settings_file.write_text("{")
    assert models.models_in_use(home) == {encoder.spec.label}
