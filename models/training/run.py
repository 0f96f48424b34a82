"""What every training run shares: the library's arguments, and the precision of the machine."""

from pathlib import Path
from typing import Any, Final

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import SequentialSampler

from models.training.recipe import Recipe

_LOG_EVERY: Final = 20
"""Steps."""


def device() -> str:
    """Give where this machine trains: its first GPU, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def computes_bfloat16() -> bool:
    """Say whether the processor multiplies bfloat16 itself; on a CPU with AVX-512 BF16 a step takes 0.6 of its time."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())  # there is no public name for it


def trainer_arguments(recipe: Recipe, folder: Path) -> SentenceTransformerTrainingArguments:
    """Give the trainer's arguments: one pass over the blocks, linear warm-up and decay, the best checkpoint at the end.

    A checkpoint is written at every measurement, so that the best one is there to go back to.
    """
    gpu = torch.cuda.is_available()
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=recipe.rows,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        lr_scheduler_type="linear",
        prompts=recipe.prefix or None,
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


def _consecutive(dataset: Dataset, batch_size: int, drop_last: bool, **options: Any) -> DefaultBatchSampler:  # noqa: ANN401 (as the library calls it)
    """Take the rows as they stand: a block is a batch."""
    return DefaultBatchSampler(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last, **options)
