import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel

from models.errors import TrainingError
from models.message import Message
from models.training.recipe import Recipe, Task
from models.training.run import TrainingRequest
from models.training.siamese import train_siamese

pytestmark = pytest.mark.usefixtures("one_thread")
FAQ = Task(kind="groups", share=1, files=("faq.jsonl",))
TOKENS = "embeddings.word_embeddings.weight"


class Stopped(BaseException):
    """What Ctrl-C is: no error of the run's own."""


@pytest.fixture
def data(tmp_path, write_faq, write_rows) -> Path:
    folder = tmp_path / "data"
    faq = write_faq(folder / "faq.jsonl")
    questions = [json.loads(line)["question"] for line in faq.read_text().splitlines()]
    write_rows(folder / "pool.tsv", "question\tsource", *(f"{question}\tfaq" for question in questions))
    pairs = [f"{a}\t{b}\t{n % 2}" for n, (a, b) in enumerate(pairwise(questions))]
    write_rows(folder / "pairs.tsv", "text_a\ttext_b\tlabel", *pairs)
    return folder


@pytest.fixture
def train(tmp_path, checkpoint, data):
    """Train, collect what is said, and give the weights."""

    def train(
        *tasks: Task,
        out: str = "out",
        base: Path = checkpoint,
        said: list[str] | None = None,
        say: Callable[[Message], None] | None = None,
        max_hours: float | None = None,
        **settings: object,
    ) -> dict[str, torch.Tensor]:
        small = {"steps": 30, "rows": 8, "development_share": 0.3, "evaluate_every": 10, "learning_rate": 1e-3}
        request = TrainingRequest(
            base=base,
            recipe=Recipe(**small | {"max_tokens": 16, "task": tasks or (FAQ,)} | settings),
            recipe_name="toy",
            data=data,
            out=tmp_path / out,
            max_hours=max_hours,
        )
        folder = train_siamese(request, say or (said if said is not None else []).append)
        return load_file(folder / "model.safetensors")

    return train


def log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "run" / "log.jsonl").read_text().splitlines()]


def stop_at(line: str) -> Callable[[Message], None]:
    def say(message: Message) -> None:
        if message.startswith(line):
            raise Stopped

    return say


def equal(weights: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)


def test_what_can_be_learnt_is_learnt(train, tmp_path):
    train(steps=100, rows=16)
    losses = [line["loss_0-groups"] for line in log(tmp_path / "out") if "loss_0-groups" in line]
    assert losses[-1] < 0.7 * losses[0]
    found = [line["eval_p_at_1"] for line in log(tmp_path / "out") if "eval_p_at_1" in line]
    assert max(found) > found[0]


def test_losses_are_logged_before_the_first_measurement(train, tmp_path):
    train(evaluate_every=25)
    assert [line["step"] for line in log(tmp_path / "out")] == [20, 25, 30, 30]


def test_the_checkpoint_is_the_best_one_and_says_where_it_comes_from(train, tmp_path):
    said: list[str] = []
    train(prefix="how ", said=said)
    folder = tmp_path / "out" / "checkpoint"
    best = max(line["eval_p_at_1"] for line in log(tmp_path / "out") if "eval_p_at_1" in line)
    assert said[-1] == f"{folder}: development P@1 {best:.4f}"
    provenance = (folder / "PROVENANCE.md").read_text()
    assert "Trained by the recipe toy: 30 steps of 8 rows" in provenance
    assert "| groups | faq.jsonl | 240 | not stated |" in provenance
    model = SentenceTransformer(str(folder), device="cpu")
    assert model.prompts["query"] == "how "
    assert model.max_seq_length == 40, "all positions of the trunk, whatever was read while training"
    assert not list(folder.glob("*.bin"))


def test_the_tokenizer_stays_that_of_the_trunk(train, checkpoint, tmp_path):
    train()
    name = "tokenizer.json"
    assert (tmp_path / "out" / "checkpoint" / name).read_bytes() == (checkpoint / name).read_bytes()


def test_a_share_of_the_base_is_mixed_into_what_was_trained(train, checkpoint, tmp_path):
    trained, mixed = train(out="trained"), train(out="mixed", base_share=0.25)
    base = load_file(checkpoint / "model.safetensors")
    name = "encoder.layer.1.output.dense.weight"
    assert not torch.equal(trained[name], base[name])
    assert torch.allclose(mixed[name], 0.75 * trained[name] + 0.25 * base[name], atol=1e-6)
    assert "it began with" not in (tmp_path / "trained" / "checkpoint" / "PROVENANCE.md").read_text()
    assert "0.25 of the weights it began with" in (tmp_path / "mixed" / "checkpoint" / "PROVENANCE.md").read_text()


def test_the_prefix_is_trained_with(train):
    assert not equal(train(out="a", steps=10), train(out="b", steps=10, prefix="how "))


def test_only_what_the_recipe_trains_moves(train, checkpoint):
    before = load_file(checkpoint / "model.safetensors")
    after = train(frozen_layers=1)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


def test_the_token_table_is_left_as_it_is_unless_the_recipe_trains_it(train, checkpoint):
    before = load_file(checkpoint / "model.safetensors")
    for settings, moves in (({}, False), ({"freeze_tokens": False}, True)):
        after = train(out=f"moves {moves}", **settings)
        assert torch.equal(after[TOKENS], before[TOKENS]) is not moves
        assert not torch.equal(
            after["embeddings.position_embeddings.weight"], before["embeddings.position_embeddings.weight"]
        )


@pytest.fixture
def four_layers(checkpoint, tmp_path) -> Path:
    folder = tmp_path / "four-layers"
    shutil.copytree(checkpoint, folder)
    config = BertConfig.from_pretrained(checkpoint, num_hidden_layers=4)
    torch.manual_seed(4)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def test_layers_are_kept_evenly_spaced(train, four_layers, tmp_path):
    before = load_file(four_layers / "model.safetensors")
    after = train(base=four_layers, layers=2, learning_rate=1e-7, steps=10)
    assert json.loads((tmp_path / "out" / "checkpoint" / "config.json").read_bytes())["num_hidden_layers"] == 2
    assert not any(name.startswith("encoder.layer.2.") for name in after)
    for kept, place in ((0, 0), (1, 3)):
        name = "encoder.layer.{}.attention.self.query.weight"
        torch.testing.assert_close(after[name.format(kept)], before[name.format(place)], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("settings", "kept", "frozen"), [({"layers": 3}, 3, 0), ({"frozen_layers": 2}, 2, 2)])
def test_a_recipe_that_does_not_fit_the_trunk_is_refused(train, checkpoint, settings, kept, frozen):
    with pytest.raises(TrainingError) as refused:
        train(**settings)
    assert str(refused.value) == (
        f"{checkpoint}: has 2 layers, the recipe keeps {kept} and freezes {frozen}: leave one at least to train"
    )


ALL_KINDS = (
    FAQ,
    Task(kind="distil", share=1, files=("pool.tsv",), teacher="base", squared_error=1.0),
    Task(kind="translations", share=1, files=("pairs.tsv",), teacher="base"),
    Task(kind="graded", share=1, files=("pairs.tsv",)),
    Task(kind="corpus", share=1, files=("bank",)),
)


def test_a_run_that_was_stopped_ends_with_the_weights_of_one_that_was_not(train, tmp_path):
    """Blocks, teachers' vectors and dropout go on where they were; a checkpoint that is half written is passed over."""
    recipe = {"rows": 4, "steps": 40, "development_share": 0.1, "seed": 5}
    whole = train(*ALL_KINDS, out="whole", **recipe)
    with pytest.raises(Stopped):
        train(*ALL_KINDS, out="stopped", say=stop_at("step 20/40"), **recipe)
    run = tmp_path / "stopped" / "run"
    assert [folder.name for folder in run.glob("checkpoint-*")] == ["checkpoint-10"]
    shutil.copytree(run / "checkpoint-10", run / "checkpoint-20")
    (run / "checkpoint-20" / "trainer_state.json").write_text('{"global_st')
    assert equal(train(*ALL_KINDS, out="stopped", **recipe), whole)
    steps = [line["step"] for line in log(tmp_path / "stopped") if "eval_p_at_1" in line]
    assert steps == [10, 20, 30, 40]
    losses = [name for line in log(tmp_path / "whole") for name in line if name.startswith("loss_")]
    assert set(losses) == {f"loss_{number}-{task.kind}" for number, task in enumerate(ALL_KINDS)}


def test_training_stops_when_it_no_longer_gets_better(train, tmp_path):
    train(steps=100, patience=2, learning_rate=1e-9)
    assert [line["step"] for line in log(tmp_path / "out") if "eval_p_at_1" in line] == [10, 20, 30]
    assert "toy: 30 steps" in (tmp_path / "out" / "checkpoint" / "PROVENANCE.md").read_text()


def test_a_run_that_was_stopped_goes_on_counting_what_did_not_get_better(train, tmp_path):
    settings = {"steps": 100, "patience": 2, "learning_rate": 1e-9}
    with pytest.raises(Stopped):
        train(say=stop_at("step 30/100"), **settings)
    train(**settings)
    assert [line["step"] for line in log(tmp_path / "out") if "eval_p_at_1" in line] == [10, 20, 30, 30]


def test_a_training_that_came_to_its_end_is_not_done_again(train, tmp_path):
    first, said = train(), []
    assert equal(train(said=said), first)
    assert said[-1] == f"{tmp_path / 'out' / 'checkpoint'}: is trained already"
    assert len(log(tmp_path / "out")) == 5


def test_other_data_are_refused_where_there_is_a_checkpoint(train, data, write_faq, tmp_path):
    train(steps=10)
    write_faq(data / "faq.jsonl", seed=2)
    with pytest.raises(TrainingError, match=f"{tmp_path / 'out'}: was begun with other training data or another base"):
        train(steps=10)


def test_a_run_that_takes_too_long_is_refused(train):
    with pytest.raises(TrainingError, match="hours are needed, --max-hours is 1e-07"):
        train(max_hours=1e-7)


def test_without_anything_to_measure_nothing_is_trained(train, tmp_path):
    with pytest.raises(TrainingError, match="the recipe leaves nothing to measure on"):
        train(development_share=0.0)
    assert not (tmp_path / "out").exists()


def with_config(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (shutil.rmtree, "is no checkpoint folder (No such file or directory)"),
        (lambda base: (base / "model.safetensors").unlink(), "is no checkpoint folder (No such file or directory)"),
        (lambda base: with_config(base, "{"), "is no checkpoint folder (config.json)"),
        (lambda base: with_config(base, "{}"), "is no checkpoint folder (config.json)"),
        (lambda base: with_config(base, '{"model_type": "gpt2"}'), "is of the kind gpt2, only bert can be trained"),
    ],
)
def test_a_base_that_is_none_is_refused_at_once(train, checkpoint, tmp_path, damage, problem):
    damage(checkpoint)
    with pytest.raises(TrainingError) as refused:
        train()
    assert str(refused.value) == f"{checkpoint}: {problem}"
    assert not (tmp_path / "out").exists()


def test_a_base_whose_weights_are_damaged_is_refused(train, checkpoint):
    (checkpoint / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(TrainingError, match=f"{checkpoint}: is no checkpoint folder"):
        train()
