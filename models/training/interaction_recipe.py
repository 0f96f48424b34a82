"""The recipe of an interaction head: its pairs, as of everything that judges pairs, and the network over them."""

from pathlib import Path

from pydantic import Field

from models.training.pair_recipe import PairRecipe
from models.training.recipe import read_recipe_of


class InteractionRecipe(PairRecipe):
    """How an interaction head is trained; its encoder is also the one whose vectors it reads."""

    rows: int = Field(default=128, ge=2)
    learning_rate: float = Field(default=3e-4, gt=0)
    """The highest one: it falls linearly to 0."""
    hidden: int = Field(default=64, ge=1)
    """Width of the hidden layer."""
    product: bool = False
    """Let it read u*v beside |u-v|: these know what a text is about, and learn which subjects mean the same."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the hidden layer that is left out of a training step."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Of the two layers; not of what is made of the cosine."""


def read_interaction_recipe(file: Path) -> InteractionRecipe:
    """Read the recipe of an interaction head; TrainingError names what is wrong with it."""
    return read_recipe_of(InteractionRecipe, file)
