"""The network of an interaction head while it is trained; models/interaction_graph.py says what it computes."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import nn

from models.interaction_graph import InteractionWeights
from models.training.interaction_pairs import PairRows
from models.training.interaction_recipe import InteractionRecipe
from models.types import Vectors

_AT_ONCE: Final = 4096
"""Pairs that are judged at a time: bounds memory."""
_LITTLE_PENALTY: Final = 1e6


class InteractionNetwork(nn.Module):
    """It begins as the cosine alone, with the slope that is likeliest on the pairs: its last layer is 0.

    Each task but the first has an offset of its own, which is only trained with: how many pairs are right differs
    between data sets, and must not be learnt as something that their texts have.
    """

    sizes: torch.Tensor

    def __init__(self, vectors: Vectors, pairs: PairRows, recipe: InteractionRecipe) -> None:
        super().__init__()
        self.dim = vectors.shape[1]
        self.reads_product = recipe.product
        # In vectors of unit norm |u-v| is about 1/sqrt(dim) and u*v about 1/dim; layers begin best with inputs about 1.
        sizes = torch.full((self.dim,), self.dim**0.5)
        self.register_buffer("sizes", torch.cat([sizes, sizes**2]) if recipe.product else sizes)
        self.hidden = nn.Linear(len(self.sizes), recipe.hidden)
        self.dropout = nn.Dropout(recipe.dropout)
        self.output = nn.Linear(recipe.hidden, 1, bias=False)
        nn.init.zeros_(self.output.weight)
        slope, intercept, offsets = _cosine_alone(vectors, pairs)
        self.cosine = nn.Parameter(torch.tensor([slope, intercept]))
        self.offsets = nn.Parameter(torch.tensor(offsets))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Give the logits, (n,), of vectors (n, dim)."""
        product, difference = first * second, (first - second).abs()
        features = torch.cat([difference, product], dim=1) if self.reads_product else difference
        learnt = self.output(self.dropout(torch.relu(self.hidden(features * self.sizes))))[:, 0]
        logits: torch.Tensor = self.cosine[0] * product.sum(dim=1) + self.cosine[1] + learnt
        return logits

    def offset(self, task: torch.Tensor) -> torch.Tensor:
        """Give what is added to the logits of pairs of these tasks, (n,), in training."""
        return torch.cat([torch.zeros(1), self.offsets])[task]

    @torch.inference_mode()
    def logits(self, vectors: Vectors, pairs: PairRows) -> NDArray[np.float32]:
        """Give the logits of pairs, (n,), as the head will give them."""
        self.eval()
        parts = []
        for begin in range(0, len(pairs), _AT_ONCE):
            sides = (side[begin : begin + _AT_ONCE] for side in (pairs.first, pairs.second))
            parts.append(self(*(torch.from_numpy(vectors[side]) for side in sides)).numpy())
        self.train()
        return np.concatenate(parts)

    def weights(self) -> InteractionWeights:
        """Give what it has learnt, for features as they are."""
        slope, intercept = self.cosine.tolist()
        return InteractionWeights(
            hidden=(self.hidden.weight * self.sizes).detach().numpy().copy(),
            hidden_bias=self.hidden.bias.detach().numpy().copy(),
            output=self.output.weight[0].detach().numpy().copy(),
            cosine_slope=slope,
            intercept=intercept,
            dim=self.dim,
        )


def _cosine_alone(vectors: Vectors, pairs: PairRows) -> tuple[float, float, list[float]]:
    """Give slope, intercept and offsets with which the cosine alone is likeliest."""
    others = pairs.task[:, None] == np.arange(1, pairs.task.max() + 1)
    features = np.concatenate([pairs.cosines(vectors)[:, None], others], axis=1)
    fitted = LogisticRegression(C=_LITTLE_PENALTY, max_iter=1000).fit(features, pairs.label > 0.5)
    slope, *offsets = fitted.coef_[0].tolist()
    return slope, float(fitted.intercept_[0]), offsets
