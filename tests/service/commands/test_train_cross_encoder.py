"""The command on a BERT of fourteen words, whose questions are sets of words in any order."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder

from models import reranker_conversion
from models.conversion import ConversionOptions, convert_checkpoint
from models.errors import ModelDirectoryError, TrainingError
from models.evaluation import read_retrieval_set
from models.reranker import OnnxReranker, in_canonical_order
from models.reranker_directory import open_reranker_directory
from service.commands import train_cross_encoder
from service.commands.train_cross_encoder import CrossEncoderOptions, train_reranker_model

RECIPE = """\
steps = {steps}
rows = 16
learning_rate = 1e-3
development_share = 0.3
evaluate_every = 10
patience = 100
max_tokens = 16
[[task]]
kind = "groups"
share = 1
files = ["faq.jsonl"]
source = "made for a test"
"""


@pytest.fixture
def here(toy_training) -> Path:
    """The toy training, with its toy.toml and, in encoder/, the base as a model folder."""
    (toy_training / "toy.toml").write_text(RECIPE.format(steps=100))
    options = ConversionOptions(name="tiny", languages=("en",), max_tokens=40)
    sets = [read_retrieval_set(toy_training / "development")]
    convert_checkpoint(toy_training / "base", toy_training / "encoder", options, sets, on_progress=lambda _: None)
    return toy_training


@pytest.fixture
def run(here, monkeypatch):
    """Run the command in this process; its network learns so little that a loss of int8 is chance."""
    assert Path.cwd() == here
    monkeypatch.setattr(reranker_conversion, "MAX_P_AT_1_LOSS", 1.0)

    def run(**options: object) -> None:
        options = {"recipe": "toy.toml", "data": Path("data"), "out": Path("out"), "base": Path("base")} | options
        options = {"max_hours": None, "name": None, "encoder": "encoder"} | options
        train_reranker_model(CrossEncoderOptions(languages=("en",), threads=1, **options))

    return run


def lines(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_the_last_line_says_where_the_model_is(run, capsys):
    run()
    said = lines(capsys)
    spec = open_reranker_directory(Path("out/toy")).spec
    assert said[-1] == f"out/toy: {spec.label}, see card.md there for what was measured"
    assert (spec.name, spec.languages, spec.max_tokens, spec.both_directions) == ("toy", ("en",), 40, False)
    assert "made for a test" in Path("out/toy/card.md").read_text()


def test_the_model_folder_judges_as_the_checkpoint_does(run):
    run()
    reranker, candidates = OnnxReranker.open(Path("out/toy")), ["i do how", "the parcel is", "my order is where"]
    pairs = [in_canonical_order("how do i", candidate) for candidate in candidates]
    trained = CrossEncoder("out/checkpoint", device="cpu", local_files_only=True)
    logits = trained.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    assert np.ptp(logits) > 0.01
    np.testing.assert_allclose(reranker.logits("how do i", candidates), logits, atol=0.05)
    expected = 1 / (1 + np.exp(-logits / reranker.spec.temperature))
    np.testing.assert_allclose(reranker.relevance("how do i", candidates), expected, atol=0.02)


def test_a_second_start_converts_what_is_trained_already(run, capsys):
    run()
    run(name="other")
    assert "out/checkpoint: is trained already" in lines(capsys)
    assert open_reranker_directory(Path("out/other")).spec.name == "other"


def test_another_recipe_in_the_same_folder_is_refused(run, here):
    run()
    (here / "toy.toml").write_text(RECIPE.format(steps=30))
    with pytest.raises(TrainingError, match="out: was begun with another recipe"):
        run()


def test_the_recipe_says_how_a_pair_is_read(run, here):
    (here / "toy.toml").write_text("both_directions = true\n" + RECIPE.format(steps=100))
    run()
    assert open_reranker_directory(Path("out/toy")).spec.both_directions


def test_the_encoder_is_that_of_the_recipe_where_none_is_named(run, here):
    (here / "toy.toml").write_text('encoder = "nowhere"\n' + RECIPE.format(steps=100))
    with pytest.raises(ModelDirectoryError, match="model nowhere: neither a shipped model"):
        run(encoder=None)
    assert not (here / "out").exists()


def test_a_name_that_the_folder_has_no_room_for_is_refused_before_anything_is_written(run, here):
    with pytest.raises(TrainingError, match="name 'checkpoint': choose another one"):
        run(name="checkpoint")
    assert not (here / "out").exists()


def test_stopped_before_the_first_checkpoint_it_says_that_it_begins_anew(run, capsys, monkeypatch):
    def stop(*_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(train_cross_encoder, "train_cross_encoder", stop)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert capsys.readouterr().err == "stopped before the first checkpoint: the same command begins anew\n"


def test_a_mistake_is_one_line(faqmatch, tmp_path):
    arguments = ("--data", tmp_path, "--out", tmp_path / "out", "--base", tmp_path / "base")
    assert faqmatch("train", "cross-encoder", "--recipe", "question-reranker-zh-en", *arguments).mistake == (
        f"{tmp_path / 'base'}: is no checkpoint folder (No such file or directory)"
    )
