import numpy as np
import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainingArguments

from models.training.batches import Block
from models.training.recipe import Recipe, Task
from models.training.run import computes_bfloat16, device, to_dataset, trainer_arguments


@pytest.fixture
def arguments(tmp_path):
    def make(prefix: str = "", **settings: object):
        task = Task(kind="groups", share=1, files=("faq.jsonl",))
        recipe = Recipe(**{"steps": 200, "task": (task,)} | settings)
        return trainer_arguments(SentenceTransformerTrainingArguments, recipe, tmp_path / "run", prefix)

    return make


def test_the_recipe_becomes_the_arguments_of_the_library(arguments, tmp_path):
    made = arguments(rows=8, learning_rate=3e-4, warmup=0.25, evaluate_every=50, checkpoints_kept=3, seed=7)
    assert made.output_dir == str(tmp_path / "run")
    assert (made.per_device_train_batch_size, made.learning_rate, made.seed) == (8, 3e-4, 7)
    assert (made.num_train_epochs, made.get_warmup_steps(200)) == (1, 50)
    assert (made.eval_steps, made.save_steps, made.save_total_limit) == (50, 50, 3)
    assert made.restore_callback_states_from_checkpoint


def test_the_best_measurement_decides_and_higher_is_better(arguments):
    made = arguments()
    assert made.load_best_model_at_end
    assert (made.metric_for_best_model, made.greater_is_better) == ("eval_p_at_1", True)


def test_the_prefix_is_put_before_every_text(arguments):
    assert arguments(prefix="query: ").prompts == "query: "
    assert arguments().prompts is None


def test_nothing_is_reported_to_anybody(arguments):
    assert arguments().report_to == []


def test_training_runs_where_the_machine_can(arguments):
    gpu = torch.cuda.is_available()
    assert device() == ("cuda" if gpu else "cpu")
    assert (arguments().use_cpu, arguments().bf16) == (not gpu, computes_bfloat16())


def test_a_batch_is_a_block_in_the_order_it_was_drawn(arguments):
    dataset = Dataset.from_dict({"first": [str(number) for number in range(7)]})
    sampler = arguments().batch_sampler(dataset, batch_size=3, drop_last=False, seed=1)
    assert list(sampler) == [[0, 1, 2], [3, 4, 5], [6]]


def test_rows_of_blocks_become_rows_of_a_data_set():
    def block(name: str, labels: list[list[float]] | None) -> Block:
        values = None if labels is None else np.array(labels, np.float32)
        return Block(first=(f"{name}1", f"{name}2"), second=(f"{name}3", f"{name}4"), labels=values)

    plain = to_dataset([block("a", None), block("b", None)])
    assert plain.to_dict() == {"first": ["a1", "a2", "b1", "b2"], "second": ["a3", "a4", "b3", "b4"]}
    assert to_dataset([block("a", [[0.5], [1.0]])])["label"][:] == [0.5, 1.0]
    assert to_dataset([block("a", [[0.5, 1], [1, 2]])])["label"][:] == [[0.5, 1], [1, 2]]
