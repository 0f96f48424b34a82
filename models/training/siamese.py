"""`faqmatch train siamese`: a Siamese encoder (Sentence-BERT, arXiv:1908.10084) by a recipe.

The loop, the schedule and the checkpoints are sentence-transformers'; ours are the blocks (batches.py), what they are
made of (tasks.py), the distillation loss and the recipe. All blocks are drawn before the first step, by the seed, so
that a run that was killed goes on from its last checkpoint as if nothing had happened.
"""

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerModelCardData,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import nn
from transformers import EarlyStoppingCallback

from models.message import Message
from models.training.averaging import average_with
from models.training.continuation import CHECKPOINT, RUN, is_trained, require_same_start
from models.training.development import DevelopmentMetric
from models.training.length_slices import read_in_length_slices
from models.training.losses import RecordedLoss
from models.training.progress import ProgressLog
from models.training.provenance import write_provenance
from models.training.recipe import Recipe
from models.training.run import TrainingRequest, be_quiet, device, to_dataset, train_on, trainer_arguments
from models.training.task_texts import without_absent
from models.training.tasks import TaskSource, loss_of
from models.training.teacher import Teachers
from models.training.texts import read_corpus
from models.training.trunk import keep_and_freeze, keep_tokenizer, load_network, require_bert


class _Trainer(SentenceTransformerTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave the library's card away: it quotes training texts; ours is made of PROVENANCE.md."""


def train_siamese(request: TrainingRequest[Recipe], say: Callable[[Message], None]) -> Path:
    """Train, and give the checkpoint folder; where `out`/run is there already, go on where it stopped.

    Raises TrainingError when a file or the trunk cannot be used, the run began with others, or the measured time does
    not fit `max_hours`.
    """
    be_quiet()
    require_bert(request.base)
    recipe, run = without_absent(request.recipe, request.data), request.out.resolve() / RUN
    say(Message("reading the training data, and asking the teachers"))
    source = TaskSource(recipe=recipe, data=request.data, teachers=Teachers(request.base, run / "teachers", device()))
    measured = [group for groups in read_corpus(recipe.domains, recipe.languages).values() for group in groups]
    development = DevelopmentMetric(measured or source.development)
    blocks = source.draw()
    require_same_start(request.out, request.base, chain.from_iterable(blocks.values()))
    checkpoint = request.out / CHECKPOINT
    if is_trained(request.out):
        say(Message("{folder}: is trained already", folder=checkpoint))
        return checkpoint
    model = _prepare(request.base, recipe)
    losses = {name: RecordedLoss(loss_of(task, recipe, model)) for name, task in zip(blocks, recipe.task, strict=True)}
    progress = ProgressLog(run / "log.jsonl", losses, say, request.max_hours)
    trainer = _Trainer(
        model=model,
        args=trainer_arguments(SentenceTransformerTrainingArguments, recipe, run, recipe.prefix),
        train_dataset={name: to_dataset(drawn) for name, drawn in blocks.items()},
        loss=dict[str, nn.Module](losses),
        evaluator=development,
        callbacks=[progress, EarlyStoppingCallback(recipe.patience)],
    )
    train_on(trainer, run)
    if recipe.base_share:
        average_with(model, _prepare(request.base, recipe), recipe.base_share)
    trunk: Any = model[0].auto_model
    model.max_seq_length = trunk.config.max_position_embeddings
    model.save_pretrained(str(checkpoint), create_model_card=False)
    keep_tokenizer(request.base, checkpoint)
    found = development(model)
    write_provenance(
        checkpoint,
        base=request.base,
        recipe=recipe,
        recipe_name=request.recipe_name,
        rows={name: recipe.rows * len(drawn) for name, drawn in blocks.items()},
        steps=trainer.state.global_step,
        development=found,
        base_share=recipe.base_share,
    )
    say(Message("{folder}: development P@1 {found:.4f}", folder=checkpoint, found=found["p_at_1"]))
    return checkpoint


def _prepare(base: Path, recipe: Recipe) -> SentenceTransformer:
    """Give the trunk with what the recipe keeps of it, and only what it trains left to train."""
    torch.manual_seed(recipe.seed)
    card = SentenceTransformerModelCardData(generate_widget_examples=False)
    model = load_network(
        base, lambda: SentenceTransformer(str(base), device=device(), local_files_only=True, model_card_data=card)
    )
    model.max_seq_length = recipe.max_tokens
    model.prompts = {"query": recipe.prefix, "passage": recipe.prefix}
    keep_and_freeze(model[0].auto_model, recipe, base)
    if device() == "cpu":
        read_in_length_slices(model, "sentence_embedding")
    return model
