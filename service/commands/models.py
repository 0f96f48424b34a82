"""`faqmatch model list|show|check`; `base` and `convert` are thin over models/, see service/cli.py."""

from importlib.util import find_spec
from pathlib import Path

from indexer.home import Home
from models.directory import ModelDirectory, find_model, is_reranker, open_directory, shipped_models, shipped_rerankers
from models.encoder import OnnxEncoder
from models.errors import CheckpointError, ModelError
from models.message import Message
from models.reranker import OnnxReranker
from models.reranker_directory import RerankerDirectory, open_reranker_directory
from models.types import EncoderSpec
from service.commands.terminal import say, show_table, show_verbatim

DEMO_FAQ = Path(__file__).parents[1] / "demo" / "faq.jsonl"


def list_models(home: Home) -> None:
    """List the shipped models and the home's copies."""
    copies = sorted(path.parent for path in (home.path / "models").glob("*/spec.json"))
    places = ((Message("shipped"), (*shipped_models(), *shipped_rerankers())), (Message("home"), copies))
    columns = [
        Message("model"),
        Message("kind"),
        Message("where"),
        Message("languages"),
        Message("dim"),
        Message("size"),
        Message("state"),
    ]
    show_table(columns, [_row(path, where) for where, paths in places for path in paths])


def show_model(name_or_directory: str) -> None:
    """Print the card of a model."""
    show_verbatim(_open(find_model(name_or_directory)).file("card.md").read_text(encoding="utf-8"))


def check_model(name_or_directory: str) -> None:
    """Verify every file, load the network and encode a text with it, or judge a pair of texts."""
    path = find_model(name_or_directory)
    if is_reranker(path):
        reranker = OnnxReranker.open(path)
        reranker.relevance("faqmatch", ["faqmatch"])
        say(Message("{model}: whole, loads and judges", model=reranker.spec.label))
        return
    encoder = OnnxEncoder.open(path)
    encoder.encode(["faqmatch"])
    say(Message("{model}: whole, loads and encodes", model=encoder.spec.label))


def _row(path: Path, where: Message) -> list[str]:
    kind = Message("reranker") if is_reranker(path) else Message("encoder")
    try:
        directory = _open(path)
    except ModelError as error:
        return [path.name, kind, where, "", "", "", error.message]
    spec = directory.spec
    dim = str(spec.dim) if isinstance(spec, EncoderSpec) else ""
    return [spec.label, kind, where, ", ".join(spec.languages), dim, f"{directory.size / 1e6:.1f} MB", Message("whole")]


def _open(path: Path) -> ModelDirectory | RerankerDirectory:
    return open_reranker_directory(path) if is_reranker(path) else open_directory(path)


def require_training_extra(*more: str) -> None:
    """Raise CheckpointError, with the fix, when packages that convert, or `more` of the extra, are not installed."""
    missing = [name for name in ("torch", "transformers", "onnx", "sklearn", *more) if find_spec(name) is None]
    if missing:
        raise CheckpointError(
            Message(
                "{packages} not installed: pip install torch==2.13.0 'faqmatch[train]'", packages=", ".join(missing)
            )
        )
