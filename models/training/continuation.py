"""Going on with a run that was stopped: from its last whole checkpoint, with the recipe and the data it began with."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from models.directory import hash_file
from models.errors import TrainingError
from models.message import Message
from models.training.batches import Block
from models.training.provenance import PROVENANCE
from models.training.recipe import TrainingRecipe, read_recipe

RUN: Final = "run"
"""In the folder of a training: checkpoints, losses, teachers' vectors."""
CHECKPOINT: Final = "checkpoint"
"""In the folder of a training: what it ends with."""
RECIPE: Final = "recipe.toml"
"""In the folder of a training: the recipe it began with."""
_STATE: Final = "trainer_state.json"
_DRAWN: Final = "drawn.sha256"


def last_checkpoint(run: Path) -> Path | None:
    """Give the folder of the last checkpoint that was written to its end, None where there is none yet."""
    whole = {state["global_step"]: folder for folder in run.glob("checkpoint-*") if (state := _state_of(folder))}
    return whole[max(whole)] if whole else None


def is_trained(out: Path) -> bool:
    """Say whether the training that `out` holds has come to its end."""
    return (out / CHECKPOINT / PROVENANCE).is_file()


def step_of(checkpoint: Path) -> int:
    """Give the step after which a whole checkpoint was written."""
    step: int = _state_of(checkpoint)["global_step"]
    return step


def keep_recipe(out: Path, recipe: Path, read: Callable[[Path], TrainingRecipe] = read_recipe) -> None:
    """Keep a copy of the recipe in `out`; TrainingError where checkpoints there were trained by another one."""
    kept = out / RECIPE
    if kept.is_file() and _is_begun(out) and read(kept) != read(recipe):
        raise TrainingError(
            Message(
                "{folder}: was begun with another recipe, kept there as {kept}: go on with that one, or choose "
                "another folder",
                folder=out,
                kept=RECIPE,
            )
        )
    content = recipe.read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)


def require_same_start(out: Path, base: Path, blocks: Iterable[Block]) -> None:
    """Remember the trunk and the texts of a training; TrainingError where checkpoints in `out` come from others."""
    drawn = hashlib.sha256(hash_file(base / "model.safetensors").encode())
    for block in blocks:
        drawn.update(json.dumps([block.first, block.second]).encode())
    kept = out / _DRAWN
    if _is_begun(out) and kept.is_file() and kept.read_text(encoding="utf-8") != drawn.hexdigest():
        raise TrainingError(
            Message("{folder}: was begun with other training data or another base: choose another folder", folder=out)
        )
    out.mkdir(parents=True, exist_ok=True)
    kept.write_text(drawn.hexdigest(), encoding="utf-8")


def _is_begun(out: Path) -> bool:
    return is_trained(out) or last_checkpoint(out / RUN) is not None


def _state_of(checkpoint: Path) -> dict[str, Any]:
    """Give the state, which is written last of all files; empty where the run was killed before its end."""
    try:
        state: dict[str, Any] = json.loads((checkpoint / _STATE).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return state
