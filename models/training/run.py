"""What every training run shares: the library's arguments, the precision of the machine, going on where it stopped."""

from collections.abc import Sequence
from dataclasses import dataclass
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.base.trainer import BaseTrainer
from sentence_transformers.base.training_args import BaseTrainingArguments
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback
from transformers.utils import logging

from models.training.batches import Block
from models.training.continuation import last_checkpoint
from models.training.recipe import AnyRecipe, TrainingRecipe

Arguments = TypeVar("Arguments", bound=BaseTrainingArguments)

_LOG_EVERY: Final = 20
"""Steps."""


@dataclass(frozen=True, kw_only=True)
class TrainingRequest(Generic[AnyRecipe]):
    """What to train, from what, and where to."""

    base: Path
    """Checkpoint folder of a BERT encoder, such as `faqmatch model base` writes."""
    recipe: AnyRecipe
    recipe_name: str
    data: Path
    out: Path
    """Gets `run/` (checkpoints, losses, teachers' vectors) and `checkpoint/`."""
    max_hours: float | None = None


def be_quiet() -> None:
    """Leave the terminal to what is said here."""
    disable_progress_bars()
    getLogger("sentence_transformers").setLevel(ERROR)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def device() -> str:
    """Give where this machine trains: its first GPU, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def computes_bfloat16() -> bool:
    """Say whether the processor multiplies bfloat16 itself; on a CPU with AVX-512 BF16 a step takes 0.6 of its time."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())  # there is no public name for it


def trainer_arguments(library: type[Arguments], recipe: TrainingRecipe, folder: Path, prefix: str = "") -> Arguments:
    """Give the trainer's arguments: one pass over the blocks, linear warm-up and decay, the best checkpoint at the end.

    `prefix` is put before every text. A checkpoint is written at every measurement, so that the best one is there to
    go back to.
    """
    gpu = torch.cuda.is_available()
    return library(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=recipe.rows,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        lr_scheduler_type="linear",
        prompts=prefix or None,
        bf16=computes_bfloat16(),
        use_cpu=not gpu,
        batch_sampler=_consecutive,
        multi_dataset_batch_sampler="proportional",
        eval_strategy="steps",
        eval_steps=recipe.evaluate_every,
        save_steps=recipe.evaluate_every,
        save_total_limit=recipe.checkpoints_kept,
        load_best_model_at_end=True,
        metric_for_best_model="eval_p_at_1",
        restore_callback_states_from_checkpoint=True,  # early stopping goes on counting
        logging_steps=_LOG_EVERY,
        disable_tqdm=True,
        report_to=[],
        seed=recipe.seed,
        dataloader_pin_memory=gpu,
    )


def to_dataset(blocks: Sequence[Block]) -> Dataset:
    """Give the rows of the blocks, one after the other: the columns `first`, `second` and, where they have, `label`."""
    columns: dict[str, Any] = {
        "first": [text for block in blocks for text in block.first],
        "second": [text for block in blocks for text in block.second],
    }
    labels = [block.labels for block in blocks if block.labels is not None]
    if labels:
        together = np.concatenate(labels)
        columns["label"] = list(together) if together.shape[1] > 1 else together[:, 0]
    return Dataset.from_dict(columns)


def train_on(trainer: BaseTrainer, run: Path) -> None:
    """Train, from the last whole checkpoint in `run` on, and say nothing that the callbacks do not say."""
    trainer.remove_callback(PrinterCallback)
    last = last_checkpoint(run)
    trainer.train(resume_from_checkpoint=str(last) if last else None)


def _consecutive(dataset: Dataset, batch_size: int, drop_last: bool, **options: Any) -> DefaultBatchSampler:  # noqa: ANN401 (as the library calls it)
    """Take the rows as they stand: a block is a batch."""
    return DefaultBatchSampler(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last, **options)
