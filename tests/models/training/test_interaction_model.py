"""A head for an encoder that takes the mean of its words; two words of an entry tell it apart, the others do not."""

import json
from itertools import combinations

import numpy as np
import pytest

from models.directory import open_directory
from models.encoder import OnnxEncoder
from models.errors import TrainingError
from models.interaction import OnnxInteractionHead
from models.training.interaction_model import InteractionRequest, affinities_of, train_interaction
from models.training.interaction_pairs import PairRows
from models.training.interaction_recipe import InteractionRecipe
from models.training.pair_recipe import PairTask

pytestmark = pytest.mark.usefixtures("one_thread")
TOPICS, NOISE = ("how", "do", "i", "reset", "my", "password"), ("where", "is", "the", "parcel")
TASK = PairTask(kind="groups", share=1, files=("faq.jsonl",), source="made for a test")


@pytest.fixture
def encoder(encoder_directory):
    return open_directory(encoder_directory(32))


@pytest.fixture
def data(tmp_path, write_rows):
    random = np.random.default_rng(3)

    def phrasing(topic):
        return " ".join(random.permutation([*topic, *random.choice(NOISE, 4)]))

    rows = [
        {"id": "-".join(topic), "question": phrasing(topic), "similar": [phrasing(topic) for _ in range(5)]}
        for topic in combinations(TOPICS, 2)
    ]
    write_rows(tmp_path / "data" / "faq.jsonl", *rows)
    return tmp_path / "data"


@pytest.fixture
def train(tmp_path, data, encoder):
    def train(say=lambda _: None, **settings):
        small = {"steps": 300, "rows": 32, "learning_rate": 1e-2, "hidden": 16, "development_share": 0.3, "mined": 0}
        request = InteractionRequest(
            recipe=InteractionRecipe(**small | {"evaluate_every": 50, "task": (TASK,)} | settings),
            recipe_name="toy",
            directory=encoder,
            data=data,
            out=tmp_path / "out",
        )
        return train_interaction(request, OnnxEncoder.open(encoder.path), say)

    return train


def test_what_comes_out_is_the_encoder_with_a_head_that_tells_more_apart(train, encoder):
    found = open_directory(train())
    assert found.spec == encoder.spec
    head, texts = (
        OnnxInteractionHead.open(found),
        ["how do where where is is", "the how parcel the do parcel", "where reset is where my is"],
    )
    asked, same, other = OnnxEncoder.open(found.path).encode(texts)
    assert asked @ same < asked @ other
    right, wrong = head.affinities(asked, np.stack([same, other]))
    assert right > wrong


def test_the_card_says_what_trained_the_head_and_what_was_measured(train):
    card = (train() / "card.md").read_text()
    assert "Trained by the recipe toy: " in card
    assert "| groups | faq.jsonl | 9,600 | made for a test |" in card
    row = next(line for line in card.splitlines() if line.startswith("| en-en |"))
    pairs, same, cosine, affinity = (cell.strip() for cell in row.split("|")[2:6])
    assert int(pairs) == 4 * int(same)
    assert float(affinity) > float(cosine) + 0.1


def test_affinity_is_a_probability_on_the_pairs_that_it_was_measured_on(train):
    temperature = next(line for line in (train() / "card.md").read_text().splitlines() if "| temperature |" in line)
    assert 0.1 <= float(temperature.split("|")[2]) <= 10
    assert float(temperature.split("|")[2]) != 1


def test_every_measurement_is_told(train, tmp_path):
    said = []
    train(said.append)
    lines = [json.loads(line) for line in (tmp_path / "out" / "run" / "log.jsonl").read_text().splitlines()]
    measured = [line for line in lines if "average_precision_mean" in line]
    assert said == [f"reading the training data, and encoding it with {said[0].split()[-1]}"] + [
        f"step {line['step']}: development average precision {line['average_precision_mean']:.4f}" for line in measured
    ]


def test_a_head_that_adds_nothing_is_refused_and_nothing_written(train, tmp_path):
    with pytest.raises(TrainingError, match=r"precision of affinity .* is 0\.\d+, that of the cosine 0\.\d+"):
        train(learning_rate=1e-12)
    assert not (tmp_path / "out" / "model").exists()


def test_without_anything_to_measure_nothing_is_trained(train):
    with pytest.raises(TrainingError, match="the recipe leaves nothing to measure on"):
        train(development_share=0.0)


def test_affinities_are_those_of_each_pair():
    class Product:
        label = "product"

        def affinities(self, query, candidates):
            return candidates @ query

    places = np.arange(2)
    rows = PairRows(first=places, second=np.array([1, 1]), label=np.float32(places), task=places)
    np.testing.assert_allclose(affinities_of(Product(), np.float32([[1, 0], [0.6, 0.8]]), rows), [0.6, 1], rtol=1e-6)
