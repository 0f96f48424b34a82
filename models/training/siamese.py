"""`faqmatch train siamese`: a Siamese encoder (Sentence-BERT, arXiv:1908.10084) by a recipe.

The loop, the schedule and the checkpoints are sentence-transformers'; ours are the blocks (batches.py), what they are
made of (tasks.py), the distillation loss and the recipe. All blocks are drawn before the first step, by the seed, so
that a run that was killed goes on from its last checkpoint as if nothing had happened.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from safetensors import SafetensorError
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerModelCardData,
    SentenceTransformerTrainer,
)
from torch import nn
from transformers import EarlyStoppingCallback, PrinterCallback
from transformers.utils import logging

from models.errors import TrainingError
from models.message import Message
from models.training.batches import Block
from models.training.continuation import CHECKPOINT, RUN, is_trained, last_checkpoint, require_same_start
from models.training.development import DevelopmentMetric
from models.training.losses import RecordedLoss
from models.training.progress import ProgressLog
from models.training.provenance import write_provenance
from models.training.recipe import Recipe
from models.training.run import device, trainer_arguments
from models.training.tasks import TaskSource, loss_of, without_absent
from models.training.teacher import Teachers
from models.training.texts import read_corpus


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """What to train, from what, and where to."""

    base: Path
    """Checkpoint folder of a BERT encoder, such as `faqmatch model base` writes."""
    recipe: Recipe
    recipe_name: str
    data: Path
    out: Path
    """Gets `run/` (checkpoints, losses, teachers' vectors) and `checkpoint/`."""
    max_hours: float | None = None


class _Trainer(SentenceTransformerTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave the library's card away: it quotes training texts; ours is made of PROVENANCE.md."""


def train_siamese(request: TrainingRequest, say: Callable[[Message], None]) -> Path:
    """Train, and give the checkpoint folder; where `out`/run is there already, go on where it stopped.

    Raises TrainingError when a file or the trunk cannot be used, the run began with others, or the measured time does
    not fit `max_hours`.
    """
    _be_quiet()
    _require_bert(request.base)
    recipe, run = without_absent(request.recipe, request.data), request.out.resolve() / RUN
    say(Message("reading the training data, and asking the teachers"))
    source = TaskSource(recipe=recipe, data=request.data, teachers=Teachers(request.base, run / "teachers", device()))
    measured = [group for groups in read_corpus(recipe.domains).values() for group in groups]
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
        args=trainer_arguments(recipe, run),
        train_dataset={name: _to_dataset(drawn) for name, drawn in blocks.items()},
        loss=dict[str, nn.Module](losses),
        evaluator=development,
        callbacks=[progress, EarlyStoppingCallback(recipe.patience)],
    )
    trainer.remove_callback(PrinterCallback)
    last = last_checkpoint(run)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    trunk: Any = model[0].auto_model
    model.max_seq_length = trunk.config.max_position_embeddings
    model.save_pretrained(str(checkpoint), create_model_card=False)
    found = development(model)
    write_provenance(
        checkpoint,
        base=request.base,
        recipe=recipe,
        recipe_name=request.recipe_name,
        rows={name: recipe.rows * len(drawn) for name, drawn in blocks.items()},
        steps=trainer.state.global_step,
        development=found,
    )
    say(Message("{folder}: development P@1 {found:.4f}", folder=checkpoint, found=found["p_at_1"]))
    return checkpoint


def _be_quiet() -> None:
    """Leave the terminal to what is said here."""
    disable_progress_bars()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _require_bert(base: Path) -> None:
    """Refuse at once what could be trained and not be converted, or would be looked for in the network."""
    try:
        kind = json.loads((base / "config.json").read_bytes())["model_type"]
        (base / "model.safetensors").stat()
    except OSError as error:
        raise TrainingError(
            Message("{base}: is no checkpoint folder ({problem})", base=base, problem=error.strerror)
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            Message("{base}: is no checkpoint folder ({problem})", base=base, problem="config.json")
        ) from error
    if kind != "bert":
        raise TrainingError(Message("{base}: is of the kind {kind}, only bert can be trained", base=base, kind=kind))


def _prepare(base: Path, recipe: Recipe) -> SentenceTransformer:
    """Give the trunk with what the recipe keeps of it, and only what it trains left to train."""
    torch.manual_seed(recipe.seed)
    try:
        card = SentenceTransformerModelCardData(generate_widget_examples=False)
        model = SentenceTransformer(str(base), device=device(), local_files_only=True, model_card_data=card)
    except (OSError, ValueError, SafetensorError) as error:
        raise TrainingError(Message("{base}: is no checkpoint folder ({problem})", base=base, problem=error)) from error
    trunk: Any = model[0].auto_model
    layers = trunk.encoder.layer
    if recipe.layers > len(layers) or recipe.frozen_layers >= (recipe.layers or len(layers)):
        raise TrainingError(
            Message(
                "{base}: has {count} layers, the recipe keeps {kept} and freezes {frozen}: leave one at least to train",
                base=base,
                count=len(layers),
                kept=recipe.layers or len(layers),
                frozen=recipe.frozen_layers,
            )
        )
    if recipe.layers:
        kept = np.linspace(0, len(layers) - 1, recipe.layers).round().astype(int)
        trunk.encoder.layer = nn.ModuleList(layers[place] for place in kept)
        trunk.config.num_hidden_layers = recipe.layers
    model.max_seq_length = recipe.max_tokens
    model.prompts = {"query": recipe.prefix, "passage": recipe.prefix}
    if recipe.freeze_tokens:
        trunk.embeddings.word_embeddings.requires_grad_(requires_grad=False)
    if recipe.frozen_layers:
        trunk.embeddings.requires_grad_(requires_grad=False)
        trunk.encoder.layer[: recipe.frozen_layers].requires_grad_(requires_grad=False)
    return model


def _to_dataset(blocks: Sequence[Block]) -> Dataset:
    columns: dict[str, Any] = {
        "first": [text for block in blocks for text in block.first],
        "second": [text for block in blocks for text in block.second],
    }
    labels = [block.labels for block in blocks if block.labels is not None]
    if labels:
        together = np.concatenate(labels)
        columns["label"] = list(together) if together.shape[1] > 1 else together[:, 0]
    return Dataset.from_dict(columns)
