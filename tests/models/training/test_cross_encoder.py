import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import CrossEncoder, SentenceTransformer

from models.bert_graph import build_reranker_graph
from models.checkpoint import read_checkpoint
from models.encoder import OnnxEncoder
from models.errors import TrainingError
from models.message import Message
from models.onnx_session import load_session, load_tokenizer
from models.quantisation import read_tensors
from models.reranker import OnnxReranker
from models.training.cross_encoder import TrainedCrossEncoder, train_cross_encoder
from models.training.cross_encoder_recipe import CrossEncoderRecipe
from models.training.pair_recipe import PairTask
from models.training.run import TrainingRequest

pytestmark = pytest.mark.usefixtures("one_thread")
FAQ = PairTask(kind="groups", share=1, files=("faq.jsonl",))
ALL_KINDS = (
    FAQ,
    PairTask(kind="pairs", share=1, files=("pairs.tsv",)),
    PairTask(kind="graded", share=1, files=("pairs.tsv",)),
    PairTask(kind="corpus", share=1, files=("bank",)),
)


class Stopped(BaseException):
    """What Ctrl-C is: no error of the run's own."""


@pytest.fixture
def data(tmp_path, write_faq, write_rows) -> Path:
    folder = tmp_path / "data"
    faq = write_faq(folder / "faq.jsonl")
    rows = [json.loads(line) for line in faq.read_text().splitlines()]
    pairs = [f"{row['question']}\t{rows[n - n % 2]['similar'][0]}\t{1 - n % 2}" for n, row in enumerate(rows)]
    write_rows(folder / "pairs.tsv", "text_a\ttext_b\tlabel", *pairs)
    return folder


@pytest.fixture
def train(tmp_path, checkpoint, data, tiny_encoder):
    """Train, and collect what is said."""

    def train(
        *tasks: PairTask,
        out: str = "out",
        base: Path = checkpoint,
        say: Callable[[Message], None] = lambda _: None,
        max_hours: float | None = None,
        encoder: OnnxEncoder | None = None,
        **settings: object,
    ) -> TrainedCrossEncoder:
        small = {"steps": 30, "rows": 8, "development_share": 0.3, "evaluate_every": 10, "learning_rate": 1e-3}
        request = TrainingRequest(
            base=base,
            recipe=CrossEncoderRecipe(**small | {"max_tokens": 16, "task": tasks or (FAQ,)} | settings),
            recipe_name="toy",
            data=data,
            out=tmp_path / out,
            max_hours=max_hours,
        )
        return train_cross_encoder(request, encoder or tiny_encoder(), say)

    return train


def log(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "run" / "log.jsonl").read_text().splitlines()]


def weights_of(trained: TrainedCrossEncoder) -> dict[str, torch.Tensor]:
    return load_file(trained.checkpoint / "model.safetensors")


def equal(weights: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)


def test_what_can_be_learnt_is_learnt(train, tmp_path):
    train(steps=150, rows=32)
    losses = [line["loss_0-groups"] for line in log(tmp_path / "out") if "loss_0-groups" in line]
    assert losses[-1] < 0.8 * losses[0]


def test_the_log_has_the_encoder_alone_beside_the_reranker(train, tmp_path):
    train(evaluate_every=25)
    assert [line["step"] for line in log(tmp_path / "out")] == [20, 25, 30, 30]
    (first, *_) = [line for line in log(tmp_path / "out") if "eval_p_at_1" in line]
    assert {"eval_p_at_1_en-en", "eval_encoder_p_at_1"} < first.keys()


def test_the_checkpoint_is_the_best_one_and_says_where_it_comes_from(train, tmp_path):
    said: list[Message] = []
    trained = train(say=said.append)
    best = max(line["eval_p_at_1"] for line in log(tmp_path / "out") if "eval_p_at_1" in line)
    alone = np.mean([data.precision_at_1(data.similarity) for data in trained.sets])
    assert said[0] == "reading the training data, and looking for hard negatives with tiny@0123456789ab"
    assert said[-1] == (f"{trained.checkpoint}: development P@1 {best:.4f}, that of the encoder alone {alone:.4f}")
    provenance = (trained.checkpoint / "PROVENANCE.md").read_text()
    assert "Trained by the recipe toy: 30 steps of 8 rows" in provenance
    assert "| groups | faq.jsonl | 240 | not stated |" in provenance
    assert f"(10 candidates of tiny@0123456789ab, which alone has {alone:.4f}, reranked): en-en" in provenance
    assert not list(trained.checkpoint.glob("*.bin"))


def test_the_checkpoint_gives_the_logits_of_the_reranker_that_serves(train, reranker_spec, tmp_path):
    checkpoint = train().checkpoint
    graph = build_reranker_graph(read_checkpoint(checkpoint).config, read_tensors(checkpoint), for_int8=False)
    (tmp_path / "fp32.onnx").write_bytes(graph.SerializeToString())
    tokenizer = load_tokenizer(checkpoint / "tokenizer.json")
    served = OnnxReranker(reranker_spec(), load_session(tmp_path / "fp32.onnx"), tokenizer)
    pairs = [("do i", "where is my parcel"), ("how", "the parcel"), ("my password", "reset my password")]
    model = CrossEncoder(str(checkpoint), device="cpu")
    expected = model.predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose([served.logits(*(a, [b]))[0] for a, b in pairs], expected, atol=1e-4)


def test_what_is_measured_is_what_the_encoder_finds(train):
    (data,) = train(candidates=4).sets
    assert data.name == "en-en"
    assert {len(candidates) for _, candidates in data.by_query()} == {4}


def test_only_what_the_recipe_trains_moves(train, checkpoint):
    before = load_file(checkpoint / "model.safetensors")
    after = weights_of(train(frozen_layers=1))
    moved = {name for name in before if not torch.equal(before[name], after[f"bert.{name}"])}
    assert moved
    assert all(name.startswith("encoder.layer.1.") for name in moved)


def test_layers_that_are_not_kept_are_gone(train):
    trained = train(layers=1, steps=10)
    assert json.loads((trained.checkpoint / "config.json").read_bytes())["num_hidden_layers"] == 1
    assert not any(".layer.1." in name for name in weights_of(trained))


@pytest.mark.parametrize("change", [{"listwise": 1.0}, {"both_directions": True}, {"mined": 0}, {"negatives": 1}])
def test_every_switch_changes_what_is_learnt(train, change):
    assert not equal(weights_of(train(out="a", steps=10)), weights_of(train(out="b", steps=10, **change)))


def test_a_siamese_checkpoint_is_a_base(train, checkpoint, tmp_path):
    SentenceTransformer(str(checkpoint), device="cpu").save_pretrained(str(tmp_path / "siamese"))
    assert (tmp_path / "siamese" / "modules.json").is_file()
    before = load_file(checkpoint / "model.safetensors")
    after = weights_of(train(base=tmp_path / "siamese", frozen_layers=1))
    for name in ("embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight"):
        assert torch.equal(after[f"bert.{name}"], before[name])


def test_a_run_that_was_stopped_ends_with_the_weights_of_one_that_was_not(train, tmp_path):
    def stop(message: Message) -> None:
        if message.startswith("step 20/40"):
            raise Stopped

    recipe = {"rows": 4, "steps": 40, "development_share": 0.1, "seed": 5, "listwise": 1.0}
    whole = weights_of(train(*ALL_KINDS, out="whole", **recipe))
    with pytest.raises(Stopped):
        train(*ALL_KINDS, out="stopped", say=stop, **recipe)
    assert [folder.name for folder in (tmp_path / "stopped" / "run").glob("checkpoint-*")] == ["checkpoint-10"]
    assert equal(weights_of(train(*ALL_KINDS, out="stopped", **recipe)), whole)
    losses = [name for line in log(tmp_path / "whole") for name in line if name.startswith("loss_")]
    assert set(losses) == {f"loss_{number}-{task.kind}" for number, task in enumerate(ALL_KINDS)}


def test_a_training_that_came_to_its_end_is_not_done_again(train, tmp_path):
    first, said = train(), []
    again = train(say=said.append)
    assert said[-1] == f"{first.checkpoint}: is trained already"
    assert [data.pairs for data in again.sets] == [data.pairs for data in first.sets]
    assert len(log(tmp_path / "out")) == 5


def test_another_encoder_is_refused_where_it_finds_other_negatives(train, tiny_encoder, table):
    train(steps=10)
    with pytest.raises(TrainingError, match="was begun with other training data or another base"):
        train(steps=10, encoder=tiny_encoder(np.roll(table, 1, axis=1) ** 2))


def test_a_run_that_takes_too_long_is_refused(train):
    with pytest.raises(TrainingError, match="hours are needed, --max-hours is 1e-07"):
        train(max_hours=1e-7)


def test_without_anything_to_measure_nothing_is_trained(train, tmp_path):
    with pytest.raises(TrainingError, match="the recipe leaves nothing to measure on"):
        train(development_share=0.0)
    assert not (tmp_path / "out").exists()


def test_a_base_that_is_none_is_refused_at_once(train, checkpoint):
    (checkpoint / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(TrainingError, match=f"{checkpoint}: is no checkpoint folder"):
        train()
