import shutil
from dataclasses import replace

import pytest

from models.directory import DEFAULT_MODEL, PRETRAINED
from service.doctor import models


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
