"""The trunk of a training: a BERT folder, what a recipe keeps of it, and what of it is trained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from torch import nn

from models.errors import TrainingError
from models.message import Message
from models.training.recipe import TrainingRecipe

Network = TypeVar("Network")


def require_bert(base: Path) -> None:
    """Refuse at once what could be trained and not be converted, or would be looked for in the network."""
    try:
        kind = json.loads((base / "config.json").read_bytes())["model_type"]
        for name in ("model.safetensors", "tokenizer.json"):
            (base / name).stat()
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


def keep_tokenizer(base: Path, checkpoint: Path) -> None:
    """Give the checkpoint the tokenizer of its trunk, to the byte.

    What the libraries save has the truncation of the training in it, and takes `</s>` in a text for the end of it.
    """
    shutil.copyfile(base / "tokenizer.json", checkpoint / "tokenizer.json")


def load_network(base: Path, load: Callable[[], Network]) -> Network:
    """Give what a library loads from the folder; TrainingError where it cannot."""
    try:
        return load()
    except (OSError, ValueError, SafetensorError) as error:
        raise TrainingError(Message("{base}: is no checkpoint folder ({problem})", base=base, problem=error)) from error


def keep_and_freeze(trunk: Any, recipe: TrainingRecipe, base: Path) -> None:  # noqa: ANN401 (a BertModel)
    """Keep of the trunk the layers that the recipe names, and leave only what it trains to train."""
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
    if recipe.freeze_tokens:
        trunk.embeddings.word_embeddings.requires_grad_(requires_grad=False)
    if recipe.frozen_layers:
        trunk.embeddings.requires_grad_(requires_grad=False)
        trunk.encoder.layer[: recipe.frozen_layers].requires_grad_(requires_grad=False)
