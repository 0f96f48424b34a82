"""Making a model directory with an interaction head: a copy of its encoder's, which stays as it is."""

import shutil
from collections.abc import Callable
from pathlib import Path

from models.card import HeadFacts, write_head_section
from models.directory import ModelDirectory, open_directory, write_spec
from models.interaction import INTERACTION, OnnxInteractionHead
from models.staging import require_possible, staged


def write_directory_with_head(
    encoder: ModelDirectory, out: Path, network: bytes, facts_of: Callable[[OnnxInteractionHead], HeadFacts]
) -> None:
    """Write the model directory `out`, which must not exist or be replaceable whole.

    `facts_of` measures the head as it will serve, and may refuse it by an error; `out` is then untouched, as where a
    CheckpointError says that the folder cannot be replaced, or a ModelDirectoryError that `network` is no head.
    """
    require_possible(out, encoder.spec.name, encoder.spec.max_tokens, encoder.spec.max_tokens)
    with staged(out) as staging:
        for name in encoder.sha256:
            shutil.copyfile(encoder.file(name), staging / name)
        (staging / INTERACTION).write_bytes(network)
        write_spec(staging, encoder.spec)
        facts = facts_of(OnnxInteractionHead.open(open_directory(staging)))
        write_head_section(staging / "card.md", facts)
        write_spec(staging, encoder.spec)
