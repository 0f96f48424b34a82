"""`faqmatch train interaction`: a recipe, an encoder and data become that encoder's model folder, with a head."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from models.directory import find_model, open_directory
from models.encoder import OnnxEncoder
from models.message import Message
from models.training.continuation import RECIPE
from models.training.interaction_model import InteractionRequest, train_interaction
from models.training.interaction_recipe import read_interaction_recipe
from models.training.recipe import find_recipe
from service.commands.terminal import StageProgress, say


@dataclass(frozen=True, kw_only=True)
class InteractionOptions:
    """The options of the command."""

    recipe: str
    """A file, or the name of a shipped one."""
    data: Path
    out: Path
    encoder: str | None
    """Shipped model or model folder, in place of that of the recipe."""
    threads: int


def train_interaction_head(options: InteractionOptions) -> None:
    """Train and write the model folder; TrainingError and CheckpointError say what cannot be used, or does not help."""
    file = find_recipe(options.recipe)
    recipe = read_interaction_recipe(file)
    directory = open_directory(find_model(options.encoder or recipe.encoder))
    request = InteractionRequest(
        recipe=recipe, recipe_name=file.stem, directory=directory, data=options.data, out=options.out
    )
    encoder = OnnxEncoder.load(directory, options.threads)
    with StageProgress() as progress:
        out = train_interaction(request, encoder, say, progress)
    shutil.copyfile(file, options.out / RECIPE)
    say(Message("{folder}: {model}, see card.md there for what was measured", folder=out, model=encoder.spec.label))
