"""`faqmatch model list|show|check`; `base` and `convert` are thin over models/, see service/cli.py."""

from importlib.util import find_spec
from pathlib import Path

from indexer.home import Home
from models.directory import find_model, open_directory, shipped_models
from models.encoder import OnnxEncoder
from models.errors import CheckpointError, ModelError
from service.commands.terminal import say, show_table

DEMO_FAQ = Path(__file__).parents[1] / "demo" / "faq.jsonl"


def list_models(home: Home) -> None:
    """List the shipped models and the home's copies."""
    rows = []
    copies = sorted(path.parent for path in (home.path / "models").glob("*/spec.json"))
    for where, paths in (("shipped", shipped_models()), ("home", copies)):
        for path in paths:
            try:
                directory = open_directory(path)
            except ModelError as error:
                rows.append([path.name, where, "", "", "", str(error)])
                continue
            spec = directory.spec
            facts = [spec.label, where, ", ".join(spec.languages), str(spec.dim), f"{directory.size / 1e6:.1f} MB"]
            rows.append([*facts, "whole"])
    show_table(["model", "where", "languages", "dim", "size", "state"], rows)


def show_model(name_or_directory: str) -> None:
    """Print the card of a model."""
    say(open_directory(find_model(name_or_directory)).file("card.md").read_text(encoding="utf-8"))


def check_model(name_or_directory: str) -> None:
    """Verify every file, load the network and encode a text with it."""
    encoder = OnnxEncoder.open(find_model(name_or_directory))
    encoder.encode(["faqmatch"])
    say(f"{encoder.spec.label}: whole, loads and encodes")


def require_training_extra() -> None:
    """Raise CheckpointError, with the fix, when the packages that convert and train are not installed."""
    missing = [name for name in ("torch", "transformers", "onnx", "sklearn") if find_spec(name) is None]
    if missing:
        raise CheckpointError(f"{', '.join(missing)} not installed: pip install torch==2.13.0 'faqmatch[train]'")
