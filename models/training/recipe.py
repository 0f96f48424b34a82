"""A training recipe: a TOML file in which every technique is one switch."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import TrainingError
from models.message import Message, joined

RECIPES: Final = Path(__file__).parent / "recipes"
"""The recipes that are part of the package."""


class Table(BaseModel):
    """A table of the file: its keys are known, of the right type and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataTask(Table):
    """What a task of any training says of its files."""

    kind: str
    share: float = Field(gt=0)
    """Of the batches: this over the sum of all shares."""
    files: tuple[str, ...] = Field(min_length=1)
    """Relative to the data folder; for `corpus` names of domains."""
    optional: bool = False
    """Leave the task out where none of its files is there; of several optional tasks at least one stays."""
    source: str = ""
    """What the files are and under which licence, for the card."""
    language: str = "en"
    """Of the files of `groups`, `graded` and `pairs`: names their part of the development metric."""
    across_languages: float = Field(default=0.3, ge=0, le=1)
    """Share of the rows of a group in two languages that pair one with the other."""

    def contradictions(self, number: int) -> Iterator[Message]:  # noqa: ARG002 (of those that have some)
        """Name what the types do not show; the task is that of this number."""
        yield from ()


class Task(DataTask):
    """One kind of batch; `models/training/tasks.py` says what each kind reads and which loss it takes."""

    kind: Literal["distil", "translations", "corpus", "groups", "graded", "pairs"]
    exclude: tuple[str, ...] = ()
    """Sources of a pool that are left out."""
    limit: int = Field(default=0, ge=0)
    """Texts taken at most, 0 for all."""
    teacher: str = ""
    """`base` (the trunk itself, with its prefix), or a folder or package that carries a sentence-transformers model."""
    teacher_temperature: float = Field(default=0.05, gt=0)
    """Colder where the teacher's similarities crowd together."""
    squared_error: float = Field(default=0.0, ge=0)
    """Weight of the squared difference between the similarities themselves, 0 where only their order counts.

    A colder teacher's are stretched by the ratio of the temperatures.
    """

    def contradictions(self, number: int) -> Iterator[Message]:
        """Name what a teacher's tasks lack."""
        if self.kind in ("distil", "translations") and not self.teacher:
            yield Message("task.{number}.teacher: is missing, {kind} needs one", number=number, kind=self.kind)
        if self.kind == "translations" and len(self.files) > 2:
            yield Message("task.{number}.files: {kind} takes one or two", number=number, kind=self.kind)


class DataRecipe(Table):
    """What every training takes, whatever the network is."""

    task: tuple[DataTask, ...] = Field(min_length=1)
    steps: int = Field(ge=1)
    domains: tuple[str, ...] = ()
    """Domains of the corpus for the development metric."""
    development_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the meanings of the tasks `groups`, `graded` and `pairs` that is not trained on but measured.

    Where there are `domains` they are measured instead.
    """
    languages: tuple[Literal["zh", "en"], ...] = Field(default=("zh", "en"), min_length=1)
    """Of the corpus: those that are trained on and measured."""
    held_out: tuple[str, ...] = ()
    """Files of development sets, relative to the data folder: no text of theirs is trained on."""
    seed: int = 20261124
    rows: int = Field(default=32, ge=2)
    """Rows of two texts a batch."""
    learning_rate: float = Field(default=5e-5, gt=0)
    evaluate_every: int = Field(default=200, ge=1)
    """Steps between two measurements; each of a trunk writes a checkpoint."""
    patience: int = Field(default=5, ge=1)
    """Stop after so many measurements without a better one."""

    def contradictions(self) -> Iterator[Message]:
        """Name what the types do not show."""
        for number, task in enumerate(self.task):
            yield from task.contradictions(number)
            if task.kind == "corpus" and (both := sorted({*task.files} & {*self.domains})):
                yield Message(
                    "task.{number}.files: {domains} cannot be trained on and measured (domains)",
                    number=number,
                    domains=", ".join(both),
                )


class TrainingRecipe(DataRecipe):
    """What every training of a trunk takes."""

    trunk: str = ""
    """Folder or installed package of the network to begin with; the pretrained trunk where it is empty."""
    trunk_source: str = ""
    """What the trunk is and under which licence, for the card; where its folder does not say so itself."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps in which the rate rises; then it falls linearly to 0."""
    max_tokens: int = Field(default=48, ge=8)
    """Longer texts are cut while training."""
    layers: int = Field(default=0, ge=0)
    """Layers of the trunk that are kept, evenly spaced; 0 for all."""
    frozen_layers: int = Field(default=0, ge=0)
    """Layers from the ground up that are not trained (features of a frozen trunk)."""
    freeze_tokens: bool = True
    """Leave the token table as it is: it is most of the weights and is hardly moved by so little data."""
    checkpoints_kept: int = Field(default=2, ge=1)
    """The best one is always among them."""


class Recipe(TrainingRecipe):
    """How a Siamese encoder is trained."""

    task: tuple[Task, ...] = Field(min_length=1)
    temperature: float = Field(default=0.05, gt=0)
    """Of the losses: lower looks only at what is nearest."""
    prefix: str = ""
    """Of the trained encoder, before every question."""
    base_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the untrained weights in the mean that the training ends with (WiSE-FT, arXiv:2109.01903)."""


AnyRecipe = TypeVar("AnyRecipe", bound=TrainingRecipe)
AnyDataRecipe = TypeVar("AnyDataRecipe", bound=DataRecipe)


def find_recipe(name_or_file: str) -> Path:
    """Give the file of a recipe: one that is named, or a shipped one by its name."""
    shipped = {file.stem: file for file in sorted(RECIPES.glob("*.toml"))}
    if (file := Path(name_or_file)).is_file():
        return file
    if name_or_file in shipped:
        return shipped[name_or_file]
    raise TrainingError(
        Message(
            "recipe {name}: neither a shipped recipe ({shipped}) nor a file",
            name=name_or_file,
            shipped=", ".join(shipped),
        )
    )


def read_recipe(file: Path) -> Recipe:
    """Read the recipe of an encoder, as `read_recipe_of` does."""
    return read_recipe_of(Recipe, file)


def read_recipe_of(training: type[AnyDataRecipe], file: Path) -> AnyDataRecipe:
    """Read a recipe; TrainingError names every key that is unknown, missing, of another type or out of range."""
    try:
        recipe = training(**tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise TrainingError(Message("{file}: cannot be read ({reason})", file=file, reason=error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(Message("{file}: is no TOML: {problem}", file=file, problem=error)) from error
    except ValidationError as error:
        problems = [*_named(error)]
    else:
        problems = [*recipe.contradictions()]
        if not problems:
            return recipe
    raise TrainingError(Message("{file}: {problems}", file=file, problems=joined(problems, Message("; "))))


def _named(error: ValidationError) -> Iterator[Message]:
    places = [one["loc"] for one in error.errors()]
    for one in error.errors():
        place = one["loc"]
        if not any(place == other[: len(place)] and place != other for other in places):  # else it only follows
            yield Message("{key}: {problem}", key=".".join(map(str, place)), problem=one["msg"])
