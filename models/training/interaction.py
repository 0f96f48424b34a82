"""Training an interaction head on the vectors of an encoder that stays as it is: a small network over two of them.

A plain loop: all vectors are computed before it, and the loop itself takes less than a minute. So a training that was
stopped begins anew.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.evaluation import evaluate_pairs
from models.interaction_graph import InteractionWeights
from models.training.interaction_network import InteractionNetwork
from models.training.interaction_pairs import PairRows
from models.training.interaction_recipe import InteractionRecipe
from models.types import Vectors

_RATE_OF_COSINE: Final = 30
"""Times that of the layers: what is made of the cosine is about 10, the last layer about 0."""


@dataclass(frozen=True, kw_only=True)
class TrainedHead:
    """What a training ends with."""

    weights: InteractionWeights
    steps: int
    """After so many it was best, of all measurements on the way; 0 where it never was better than the cosine alone."""
    development_logits: NDArray[np.float32]
    """Of the pairs of all development sets, (n,)."""


def train_head(
    vectors: Vectors,
    pairs: PairRows,
    development: Mapping[str, PairRows],
    recipe: InteractionRecipe,
    log: Path,
    on_measured: Callable[[int, float], None] = lambda *_: None,
) -> TrainedHead:
    """Train, and give the weights whose mean average precision on the development sets was best.

    `pairs` are all seen once, in random order. `log` gets a line for each step, with its loss, and one for each
    measurement, with the average precision of each set; `on_measured` takes step and mean of these.
    """
    torch.manual_seed(recipe.seed)
    network = InteractionNetwork(vectors, pairs, recipe)
    batches = _batches(len(pairs), recipe.rows)
    optimiser, schedule = _optimiser(network, recipe, len(batches))
    loss_of = nn.BCEWithLogitsLoss()
    best = _Best(network, vectors, development)
    with log.open("w", encoding="utf-8") as lines:
        on_measured(0, best.measure(0, lines))
        for step, batch in enumerate(batches, 1):
            first, second = (torch.from_numpy(vectors[side[batch]]) for side in (pairs.first, pairs.second))
            offset = network.offset(torch.from_numpy(pairs.task[batch]))
            optimiser.zero_grad()
            loss = loss_of(network(first, second) + offset, torch.from_numpy(pairs.label[batch]))
            loss.backward()
            optimiser.step()
            schedule.step()
            _write(lines, {"step": step, "loss": loss.item()})
            if step % recipe.evaluate_every == 0 or step == len(batches):
                on_measured(step, best.measure(step, lines))
                if best.missed >= recipe.patience:
                    break
    network.load_state_dict(best.state)
    logits = np.concatenate([network.logits(vectors, measured) for measured in development.values()])
    return TrainedHead(weights=network.weights(), steps=best.step, development_logits=logits)


def average_precisions(
    values: Callable[[PairRows], NDArray[np.float32]], sets: Mapping[str, PairRows]
) -> dict[str, float]:
    """Give the average precision of a number a pair on each set, and their mean as `mean`."""
    found = {
        name: evaluate_pairs(values(pairs), pairs.label.astype(np.float64)).average_precision
        for name, pairs in sets.items()
    }
    return {**found, "mean": float(np.mean([*found.values()]))}


class _Best:
    """Measures a network on the way and remembers its best state."""

    def __init__(self, network: InteractionNetwork, vectors: Vectors, sets: Mapping[str, PairRows]) -> None:
        self._network, self._vectors, self._sets = network, vectors, sets
        self._value = -np.inf
        self.step = 0
        self.missed = 0
        """Measurements since the best one."""
        self.state: dict[str, torch.Tensor] = {}

    def measure(self, step: int, log: TextIO) -> float:
        found = average_precisions(lambda pairs: self._network.logits(self._vectors, pairs), self._sets)
        _write(log, {"step": step, **{f"average_precision_{name}": value for name, value in found.items()}})
        if found["mean"] > self._value:
            self._value, self.step, self.missed = found["mean"], step, 0
            self.state = copy.deepcopy(self._network.state_dict())
        else:
            self.missed += 1
        return found["mean"]


def _batches(pairs: int, rows: int) -> NDArray[np.int64]:
    """Give the places of the pairs of each batch, (batches, rows), in random order."""
    order: NDArray[np.int64] = torch.randperm(pairs).numpy()
    return order[: pairs // rows * rows].reshape(-1, rows)


def _optimiser(
    network: InteractionNetwork, recipe: InteractionRecipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    layers = [*network.hidden.parameters(), *network.output.parameters()]
    made_of_cosine = [network.cosine, network.offsets]
    optimiser = torch.optim.AdamW(
        [
            {"params": layers, "weight_decay": recipe.weight_decay},
            {"params": made_of_cosine, "weight_decay": 0.0, "lr": _RATE_OF_COSINE * recipe.learning_rate},
        ],
        lr=recipe.learning_rate,
    )
    return optimiser, torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps)


def _write(log: TextIO, line: Mapping[str, float]) -> None:
    log.write(json.dumps(line) + "\n")
