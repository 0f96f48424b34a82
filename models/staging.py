"""Making a model directory aside: what goes wrong on the way leaves nothing, and what was there before as it was."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.directory import is_plain_name
from models.errors import CheckpointError
from models.message import Message


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of `out` at the end; beside it, in its parent, is room for scratch."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".converting-") as scratch:
        staging = Path(scratch) / "model"
        staging.mkdir()
        yield staging
        if out.exists():
            shutil.rmtree(out)
        staging.rename(out)


def require_possible(out: Path, name: str, max_tokens: int, positions: int) -> None:
    """Refuse by a CheckpointError, at once, what would fail, or destroy something, after minutes of work.

    `positions` are the tokens that the network can read.
    """
    if not is_plain_name(name):
        raise CheckpointError(Message("name {name!r}: only letters, digits, _, - and . are allowed", name=name))
    if max_tokens > positions:
        raise CheckpointError(
            Message("max_tokens {asked}: this network reads {positions} at most", asked=max_tokens, positions=positions)
        )
    if out.exists() and not (out / "spec.json").is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise CheckpointError(
            Message("{folder}: is there and is no model directory: choose another folder", folder=out)
        )
