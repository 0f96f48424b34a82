"""`faqmatch train cross-encoder`: a trunk, a recipe, an encoder and data become the model folder of a reranker."""

from dataclasses import dataclass
from typing import Final

from models.directory import find_model
from models.encoder import OnnxEncoder
from models.message import Message
from models.reranker_conversion import RerankerOptions, convert_reranker
from models.training.continuation import RUN, keep_recipe
from models.training.cross_encoder import train_cross_encoder
from models.training.cross_encoder_recipe import read_cross_encoder_recipe
from models.training.recipe import find_recipe
from service.commands.terminal import say
from service.commands.train import TrainingOptions, name_of, positions_of, request_of, told_how_to_go_on

_MOST_TOKENS: Final = 128
"""Of a pair."""


@dataclass(frozen=True, kw_only=True)
class CrossEncoderOptions(TrainingOptions):
    """The options of the command."""

    encoder: str | None
    """Shipped model or model folder, in place of that of the recipe."""


def train_reranker_model(options: CrossEncoderOptions) -> None:
    """Train, or go on where it stopped, then convert; TrainingError and CheckpointError say what cannot be used."""
    file = find_recipe(options.recipe)
    recipe, name = read_cross_encoder_recipe(file), name_of(options, file)
    encoder = OnnxEncoder.open(find_model(options.encoder or recipe.encoder), options.threads)
    keep_recipe(options.out, file, read_cross_encoder_recipe)
    with told_how_to_go_on(options.out / RUN):
        trained = train_cross_encoder(request_of(options, recipe, file), encoder, say)
    conversion = RerankerOptions(
        name=name,
        languages=options.languages,
        max_tokens=min(_MOST_TOKENS, positions_of(trained.checkpoint)),
        both_directions=recipe.both_directions,
    )
    out = options.out / name
    spec = convert_reranker(trained.checkpoint, out, conversion, trained.sets, options.threads, on_progress=say)
    say(Message("{folder}: {model}, see card.md there for what was measured", folder=out, model=spec.label))
