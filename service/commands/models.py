"""`faqmatch model list|show|check`; `base` and `convert` are thin over models/, see service/cli.py."""

from importlib.util import find_spec
from pathlib import Path

from indexer.home import Home
from models.directory import find_model, open_directory, shipped_models
from models.encoder import OnnxEncoder
from models.errors import CheckpointError, ModelError
from models.message import Message
from service.commands.terminal import say, show_table, show_verbatim

DEMO_FAQ = Path(__file__).parents[1] / "demo" / "faq.jsonl"


def list_models(home: Home) -> None:
    """List the shipped models and the home's copies."""
    rows: list[list[str]] = []
    copies = sorted(path.parent for path in (home.path / "models").glob("*/spec.json"))
    for where, paths in ((Message("shipped"), shipped_models()), (Message("home"), copies)):
        for path in paths:
            try:
                directory = open_directory(path)
            except ModelError as error:
                rows.append([path.name, where, "", "", "", error.message])
                continue
            spec = directory.spec
            facts = [spec.label, where, ", ".join(spec.languages), str(spec.dim), f"{directory.size / 1e6:.1f} MB"]
            rows.append([*facts, Message("whole")])
    columns = [
        Message("model"),
        Message("where"),
        Message("languages"),
        Message("dim"),
        Message("size"),
        Message("state"),
    ]
    show_table(columns, rows)


def show_model(name_or_directory: str) -> None:
    """Print the card of a model."""
    show_verbatim(open_directory(find_model(name_or_directory)).file("card.md").read_text(encoding="utf-8"))


def check_model(name_or_directory: str) -> None:
    """Verify every file, load the network and encode a text with it."""
    encoder = OnnxEncoder.open(find_model(name_or_directory))
    encoder.encode(["faqmatch"])
    say(Message("{model}: whole, loads and encodes", model=encoder.spec.label))


def require_training_extra(*more: str) -> None:
    """Raise CheckpointError, with the fix, when packages that convert, or `more` of the extra, are not installed."""
    missing = [name for name in ("torch", "transformers", "onnx", "sklearn", *more) if find_spec(name) is None]
    if missing:
        raise CheckpointError(
            Message(
                "{packages} not installed: pip install torch==2.13.0 'faqmatch[train]'", packages=", ".join(missing)
            )
        )
