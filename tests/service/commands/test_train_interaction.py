"""The command on a BERT of fourteen words, and entries that two of their words tell apart, amid others."""

import json
import random
from itertools import combinations
from pathlib import Path

import pytest

from models.conversion import ConversionOptions, convert_checkpoint
from models.directory import open_directory
from models.errors import ModelDirectoryError, TrainingError
from models.evaluation import read_retrieval_set
from models.interaction import has_interaction_head
from service.commands.train_interaction import InteractionOptions, train_interaction_head

RECIPE = """\
steps = 300
rows = 32
learning_rate = {rate}
development_share = 0.3
evaluate_every = 50
hidden = 32
mined = 0
[[task]]
kind = "groups"
share = 1
files = ["topics.jsonl"]
source = "made for a test"
"""


@pytest.fixture
def here(toy_training) -> Path:
    """The toy training, with its toy.toml and, in encoder/, the base as a model folder."""
    (toy_training / "toy.toml").write_text(RECIPE.format(rate=1e-2))
    options = ConversionOptions(name="tiny", languages=("en",), max_tokens=40)
    sets = [read_retrieval_set(toy_training / "development")]
    convert_checkpoint(toy_training / "base", toy_training / "encoder", options, sets, on_progress=lambda _: None)
    generator, rows = random.Random(3), []
    for topic in combinations(("how", "do", "i", "reset", "my", "password"), 2):
        texts = [" ".join((*topic, *generator.choices(("where", "is", "the", "parcel"), k=4))) for _ in range(6)]
        rows.append({"id": "-".join(topic), "question": texts[0], "similar": texts[1:]})
    (toy_training / "data" / "topics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return toy_training


@pytest.fixture
def run(here):
    """Run the command in this process."""
    assert Path.cwd() == here

    def run(**options: object) -> None:
        options = {"recipe": "toy.toml", "data": Path("data"), "out": Path("out"), "encoder": "encoder"} | options
        train_interaction_head(InteractionOptions(threads=1, **options))

    return run


def test_the_last_line_says_where_the_model_is(run, capsys):
    run()
    said = capsys.readouterr()
    directory = open_directory(Path("out/model"))
    assert said.out.splitlines()[-1] == f"out/model: {directory.spec.label}, see card.md there for what was measured"
    assert has_interaction_head(directory)
    assert directory.spec == open_directory(Path("encoder")).spec
    assert "made for a test" in directory.file("card.md").read_text()
    assert Path("out/recipe.toml").read_text() == RECIPE.format(rate=1e-2)
    encoded = [line for line in said.err.splitlines() if line.startswith("encode ")]
    assert encoded[0].startswith("encode 0/")
    assert len(encoded) == 2


def test_a_head_that_adds_nothing_is_refused_with_both_numbers(run, here):
    (here / "toy.toml").write_text(RECIPE.format(rate=1e-12))
    with pytest.raises(TrainingError, match=r"encoder: the average precision of affinity .*such a head would"):
        run()
    assert not Path("out/model").exists()


def test_the_encoder_is_that_of_the_recipe_where_none_is_named(run, here):
    (here / "toy.toml").write_text('encoder = "nowhere"\n' + RECIPE.format(rate=1e-2))
    with pytest.raises(ModelDirectoryError, match="model nowhere: neither a shipped model"):
        run(encoder=None)
    assert not Path("out").exists()


def test_a_mistake_is_one_line(faqmatch, tmp_path):
    arguments = ("--data", tmp_path, "--out", tmp_path / "out")
    assert faqmatch("train", "interaction", "--recipe", "nothing", *arguments).mistake.startswith(
        "recipe nothing: neither a shipped recipe ("
    )
