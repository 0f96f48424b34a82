"""`faqmatch train siamese`: a trunk, a recipe and data become a model folder."""

import json
from collections.abc import Sequence
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
from models.training.recipe import find_recipe, read_recipe
from models.training.siamese import TrainingRequest, train_siamese
from service.commands.models import DEMO_FAQ
from service.commands.terminal import say, warn

BASE: Final = "base"
"""In the folder of a training: the pretrained trunk, where no other is named."""
_TRUNK_LANGUAGES: Final = "zh,en"
_MOST_TOKENS: Final = 256


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The options of the command."""

    recipe: str
    """A file, or the name of a shipped recipe."""
    data: Path
    out: Path
    base: Path | None
    max_hours: float | None
    name: str | None
    languages: tuple[str, ...]
    development: Sequence[Path]
    threads: int


def train_siamese_model(options: TrainingOptions) -> None:
    """Train, or go on where it stopped, then convert; TrainingError and CheckpointError say what cannot be used."""
    file = find_recipe(options.recipe)
    recipe, name = read_recipe(file), options.name or file.stem
    if not is_plain_name(name) or name in (BASE, RUN, CHECKPOINT):
        raise TrainingError(Message("name {name!r}: choose another one (letters, digits, _, - and .)", name=name))
    sets = [read_retrieval_set(folder) for folder in options.development] or [hold_out_one_text(DEMO_FAQ)]
    keep_recipe(options.out, file)
    request = TrainingRequest(
        base=options.base or _pretrained_trunk(options.out / BASE),
        recipe=recipe,
        recipe_name=file.stem,
        data=options.data,
        out=options.out,
        max_hours=options.max_hours,
    )
    try:
        checkpoint = train_siamese(request, say)
    except KeyboardInterrupt:
        _say_how_to_go_on(options.out / RUN)
        raise
    _convert(checkpoint, options.out / name, name, options, sets)


def _pretrained_trunk(folder: Path) -> Path:
    if not (folder / PROVENANCE).is_file():  # the file that is written last
        pieces = write_pretrained_trunk(folder, _TRUNK_LANGUAGES)
        say(Message("{folder}: {pieces:,} pieces", folder=folder, pieces=pieces))
    return folder


def _say_how_to_go_on(run: Path) -> None:
    last = last_checkpoint(run)
    if last is None:
        warn(Message("stopped before the first checkpoint: the same command begins anew"))
    else:
        warn(Message("stopped: the same command goes on after step {step:,}", step=step_of(last)))


def _convert(checkpoint: Path, out: Path, name: str, options: TrainingOptions, sets: Sequence[RetrievalSet]) -> None:
    positions = json.loads((checkpoint / "config.json").read_bytes())["max_position_embeddings"]
    conversion = ConversionOptions(name=name, languages=options.languages, max_tokens=min(_MOST_TOKENS, positions))
    spec = convert_checkpoint(checkpoint, out, conversion, sets, options.threads, on_progress=say)
    say(Message("{folder}: {model}, see card.md there for what was measured", folder=out, model=spec.label))
    say(Message("to use it: faqmatch index FILE --kb KB --model {folder}", folder=out))
