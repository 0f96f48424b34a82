"""What a checkpoint says of itself: `PROVENANCE.md`, which the conversion takes over into the model's card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from models.training.recipe import DataRecipe, TrainingRecipe

PROVENANCE: Final = "PROVENANCE.md"


def write_provenance(
    checkpoint: Path,
    *,
    base: Path,
    recipe: TrainingRecipe,
    recipe_name: str,
    rows: Mapping[str, int],
    steps: int,
    development: Mapping[str, float],
    base_share: float = 0.0,
    reading: str = "a held-out phrasing finds its meaning",
) -> None:
    """Write where the weights come from, what trained them under which licences, and what was measured on the way.

    `rows` are the rows drawn of each task, in the order of the recipe; `development` its metric by direction
    and `reading` what it says; `base_share` that of the untrained weights in the result.
    """
    inherited = base / PROVENANCE
    named = f"- Weights: {recipe.trunk_source or base.name}."
    before = inherited.read_text(encoding="utf-8").strip() if inherited.is_file() else named
    measured = ", ".join(
        f"{name.removeprefix('p_at_1').removeprefix('_') or 'mean'} {value:.4f}" for name, value in development.items()
    )
    averaged = f", then averaged with {base_share:g} of the weights it began with" if base_share else ""
    (checkpoint / PROVENANCE).write_text(
        f"""{before.replace("Not trained any further.", "The trunk of what follows.")}

Trained by the recipe {recipe_name}: {steps:,} steps of {recipe.rows} rows of two texts, rate {recipe.learning_rate:g},
seed {recipe.seed}{averaged}. Of the measurements on the way the best one was kept.

{trained_on(recipe, rows)}- Development P@1 ({reading}): {measured}.
""",
        encoding="utf-8",
    )


def trained_on(recipe: DataRecipe, rows: Mapping[str, int]) -> str:
    """Give the table of the tasks, and what was held out; `rows` are those drawn of each task, in their order."""
    table = "\n".join(
        f"| {task.kind} | {', '.join(task.files)} | {count:,} | {task.source or 'not stated'} |"
        for task, count in zip(recipe.task, rows.values(), strict=True)
    )
    held_out = f"- Not one text of these was trained on: {', '.join(recipe.held_out)}.\n" if recipe.held_out else ""
    return f"""| task | files | rows | what they are |
|---|---|---|---|
{table}

{held_out}"""
