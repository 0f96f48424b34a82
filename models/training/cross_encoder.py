"""`faqmatch train cross-encoder`: a reranker (BERT over pairs, arXiv:1810.04805, section 4.1) by a recipe.

The loop, the schedule and the checkpoints are sentence-transformers', as for the Siamese encoder (siamese.py), with
which it shares how a run goes on; ours are the pairs (pair_source.py) and what is measured (reranking_metric.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder, CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss
from torch import nn
from transformers import EarlyStoppingCallback

from models.message import Message
from models.reranking import RerankingSet, first_candidates
from models.training.continuation import CHECKPOINT, RUN, is_trained, require_same_start
from models.training.cross_encoder_recipe import CrossEncoderRecipe
from models.training.development import development_sets
from models.training.length_slices import read_in_length_slices
from models.training.losses import ListwiseLoss, RecordedLoss
from models.training.pair_recipe import PairTask
from models.training.pair_source import PairSource
from models.training.progress import ProgressLog
from models.training.provenance import write_provenance
from models.training.reranking_metric import RerankingMetric
from models.training.run import TrainingRequest, be_quiet, device, to_dataset, train_on, trainer_arguments
from models.training.task_texts import without_absent
from models.training.texts import read_corpus
from models.training.trunk import keep_and_freeze, keep_tokenizer, load_network, require_bert
from models.types import Encoder


@dataclass(frozen=True, kw_only=True)
class TrainedCrossEncoder:
    """What a training ends with."""

    checkpoint: Path
    sets: tuple[RerankingSet, ...]
    """What it was measured on, and no text of which it was trained on."""


class _Trainer(CrossEncoderTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave the library's card away: it quotes training texts; ours is made of PROVENANCE.md."""


def train_cross_encoder(
    request: TrainingRequest[CrossEncoderRecipe], encoder: Encoder, say: Callable[[Message], None]
) -> TrainedCrossEncoder:
    """Train, and give the checkpoint folder; where `out`/run is there already, go on where it stopped.

    `encoder` finds the hard negatives and the candidates that are reranked to measure. Raises TrainingError when a file
    or the trunk cannot be used, the run began with others, or the measured time does not fit `max_hours`.
    """
    be_quiet()
    require_bert(request.base)
    recipe, run = without_absent(request.recipe, request.data), request.out.resolve() / RUN
    say(Message("reading the training data, and looking for hard negatives with {encoder}", encoder=encoder.spec.label))
    source = PairSource(recipe=recipe, data=request.data, encode=encoder.encode, in_random_order=recipe.both_directions)
    measured = [group for groups in read_corpus(recipe.domains, recipe.languages).values() for group in groups]
    sets = tuple(
        first_candidates(encoder.encode, data, recipe.candidates)
        for data in development_sets(measured or source.development).values()
    )
    blocks = source.draw()
    require_same_start(request.out, request.base, chain.from_iterable(blocks.values()))
    trained = TrainedCrossEncoder(checkpoint=request.out / CHECKPOINT, sets=sets)
    if is_trained(request.out):
        say(Message("{folder}: is trained already", folder=trained.checkpoint))
        return trained
    model = _prepare(request.base, recipe)
    losses = {name: RecordedLoss(_loss_of(task, recipe, model)) for name, task in zip(blocks, recipe.task, strict=True)}
    metric = RerankingMetric(sets, both_directions=recipe.both_directions)
    trainer = _Trainer(
        model=model,
        args=trainer_arguments(CrossEncoderTrainingArguments, recipe, run),
        train_dataset={name: to_dataset(drawn) for name, drawn in blocks.items()},
        loss=dict[str, nn.Module](losses),
        evaluator=metric,
        callbacks=[
            ProgressLog(run / "log.jsonl", losses, say, request.max_hours),
            EarlyStoppingCallback(recipe.patience),
        ],
    )
    train_on(trainer, run)
    network: Any = model[0].auto_model
    model.max_seq_length = network.config.max_position_embeddings
    model.save_pretrained(str(trained.checkpoint), create_model_card=False)
    keep_tokenizer(request.base, trained.checkpoint)
    found = metric(model)
    alone = found.pop("encoder_p_at_1")
    write_provenance(
        trained.checkpoint,
        base=request.base,
        recipe=recipe,
        recipe_name=request.recipe_name,
        rows={name: recipe.rows * len(drawn) for name, drawn in blocks.items()},
        steps=trainer.state.global_step,
        development=found,
        reading=f"{recipe.candidates} candidates of {encoder.spec.label}, which alone has {alone:.4f}, reranked",
    )
    say(
        Message(
            "{folder}: development P@1 {found:.4f}, that of the encoder alone {alone:.4f}",
            folder=trained.checkpoint,
            found=found["p_at_1"],
            alone=alone,
        )
    )
    return trained


def _prepare(base: Path, recipe: CrossEncoderRecipe) -> CrossEncoder:
    """Give the trunk with a new classifier, with what the recipe keeps of it, and only what it trains left to train."""
    torch.manual_seed(recipe.seed)
    model: CrossEncoder = load_network(
        base, lambda: CrossEncoder(str(base), num_labels=1, device=device(), local_files_only=True)
    )
    network: Any = model[0].auto_model
    model.max_seq_length = recipe.max_tokens
    keep_and_freeze(network.bert, recipe, base)
    if device() == "cpu":
        read_in_length_slices(model, "scores")
    return model


def _loss_of(task: PairTask, recipe: CrossEncoderRecipe, model: CrossEncoder) -> nn.Module:
    if recipe.listwise and task.has_lists:
        return ListwiseLoss(model, size=1 + recipe.negatives, weight=recipe.listwise)
    return BinaryCrossEntropyLoss(model)
