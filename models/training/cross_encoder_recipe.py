"""The recipe of a reranker: that of every training of a trunk, its pairs, and the switches of a cross-encoder."""

from pathlib import Path

from pydantic import Field

from models.training.pair_recipe import PairRecipe
from models.training.recipe import TrainingRecipe, read_recipe_of


class CrossEncoderRecipe(PairRecipe, TrainingRecipe):
    """How a reranker is trained; its encoder also finds the candidates that are reranked to measure."""

    max_tokens: int = Field(default=96, ge=8)
    """Of a pair: longer texts are cut while training."""
    listwise: float = Field(default=0.0, ge=0)
    """Weight of the softmax over each query's pairs beside the binary cross-entropy (arXiv:2101.08751, section 3)."""
    both_directions: bool = False
    """Train pairs in random order, for a reranker that reads both; else in the one order in which it reads them."""
    candidates: int = Field(default=10, ge=2)
    """Of a query, that are reranked to measure."""


def read_cross_encoder_recipe(file: Path) -> CrossEncoderRecipe:
    """Read the recipe of a reranker; TrainingError names what is wrong with it."""
    return read_recipe_of(CrossEncoderRecipe, file)
