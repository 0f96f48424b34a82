"""`faqmatch train siamese`: a trunk, a recipe and data become a model folder; and what all trainings share."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.conversion import ConversionOptions, convert_checkpoint
from models.directory import is_plain_name
from models.errors import TrainingError
from models.evaluation import RetrievalSet, hold_out_one_text, read_retrieval_set
from models.message import Message
from models.training.continuation import CHECKPOINT, RUN, keep_recipe, last_checkpoint, step_of
from models.training.pretrained_trunk import write_pretrained_trunk
from models.training.provenance import PROVENANCE
from models.training.recipe import AnyRecipe, find_recipe, read_recipe
from models.training.run import TrainingRequest
from models.training.siamese import train_siamese
from models.training.teacher import find_network
from service.commands.models import DEMO_FAQ
from service.commands.terminal import say, warn

BASE: Final = "base"
"""In the folder of a training: the pretrained trunk, where no other is named."""
_TRUNK_LANGUAGES: Final = "zh,en"
_MOST_TOKENS: Final = 256


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The options of every training."""

    recipe: str
    """A file, or the name of a shipped recipe."""
    data: Path
    out: Path
    base: Path | None
    max_hours: float | None
    name: str | None
    languages: tuple[str, ...]
    threads: int


@dataclass(frozen=True, kw_only=True)
class SiameseOptions(TrainingOptions):
    """The options of the command."""

    development: Sequence[Path]


def train_siamese_model(options: SiameseOptions) -> None:
    """Train, or go on where it stopped, then convert; TrainingError and CheckpointError say what cannot be used."""
    file = find_recipe(options.recipe)
    recipe, name = read_recipe(file), name_of(options, file)
    sets = [read_retrieval_set(folder) for folder in options.development] or [hold_out_one_text(DEMO_FAQ)]
    keep_recipe(options.out, file)
    with told_how_to_go_on(options.out / RUN):
        checkpoint = train_siamese(request_of(options, recipe, file), say)
    _convert(checkpoint, options.out / name, name, options, sets)


def name_of(options: TrainingOptions, recipe: Path) -> str:
    """Give the name of the model, which is that of its folder; TrainingError where that folder is taken."""
    name = options.name or recipe.stem
    if not is_plain_name(name) or name in (BASE, RUN, CHECKPOINT):
        raise TrainingError(Message("name {name!r}: choose another one (letters, digits, _, - and .)", name=name))
    return name


def request_of(options: TrainingOptions, recipe: AnyRecipe, file: Path) -> TrainingRequest[AnyRecipe]:
    """Give what to train; the pretrained trunk is written where nothing else is to be trained."""
    return TrainingRequest(
        base=options.base or (find_network(recipe.trunk) if recipe.trunk else _pretrained_trunk(options.out / BASE)),
        recipe=recipe,
        recipe_name=file.stem,
        data=options.data,
        out=options.out,
        max_hours=options.max_hours,
    )


@contextmanager
def told_how_to_go_on(run: Path) -> Iterator[None]:
    """Say, when the training within is interrupted, what the same command will do."""
    try:
        yield
    except KeyboardInterrupt:
        last = last_checkpoint(run)
        if last is None:
            warn(Message("stopped before the first checkpoint: the same command begins anew"))
        else:
            warn(Message("stopped: the same command goes on after step {step:,}", step=step_of(last)))
        raise


def positions_of(checkpoint: Path) -> int:
    """Give the tokens that a checkpoint's network can read."""
    positions: int = json.loads((checkpoint / "config.json").read_bytes())["max_position_embeddings"]
    return positions


def _pretrained_trunk(folder: Path) -> Path:
    if not (folder / PROVENANCE).is_file():  # the file that is written last
        pieces = write_pretrained_trunk(folder, _TRUNK_LANGUAGES)
        say(Message("{folder}: {pieces:,} pieces", folder=folder, pieces=pieces))
    return folder


def _convert(checkpoint: Path, out: Path, name: str, options: TrainingOptions, sets: Sequence[RetrievalSet]) -> None:
    most = min(_MOST_TOKENS, positions_of(checkpoint))
    conversion = ConversionOptions(name=name, languages=options.languages, max_tokens=most)
    spec = convert_checkpoint(checkpoint, out, conversion, sets, options.threads, on_progress=say)
    say(Message("{folder}: {model}, see card.md there for what was measured", folder=out, model=spec.label))
    say(Message("to use it: faqmatch index FILE --kb KB --model {folder}", folder=out))
