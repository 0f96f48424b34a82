"""Model directories: what lies in one, its digest, and the check before anything of it is loaded.

    model.onnx        the int8 graph
    tokenizer.json    a `tokenizers` file
    spec.json         EncoderSpec and the SHA-256 of every other file
    confidence.json   how similarities of this encoder become confidences (models/confidence.py)
    card.md           data and licences, recipe, measured quality, size, latency
    interaction.onnx  the interaction head, where there is one (models/interaction.py); no part of the digest

Nothing in it can run code, and nothing else may lie in it. That is an encoder's; a reranker's is sealed in the same way
and says `"kind": "reranker"` in its spec.json (models/reranker_directory.py).
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

from models.errors import ModelDirectoryError
from models.message import Message, reason_of
from models.types import EncoderSpec, Pooling, Role

Kind = Literal["encoder", "reranker"]
Spec = TypeVar("Spec")

FORMAT_VERSION = 1
PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT_MODEL = "question-encoder-zh-en"
_PLAIN_NAME = re.compile(r"\w[\w.-]*")  # names become parts of paths, here and in the home
_FILES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "encoder": ("model.onnx", "tokenizer.json", "confidence.json", "card.md"),
    "reranker": ("model.onnx", "tokenizer.json", "card.md"),
}


@dataclass(frozen=True, kw_only=True)
class SealedDirectory:
    """A model directory whose files were just compared with their recorded hashes."""

    path: Path
    sha256: Mapping[str, str]

    def file(self, name: str) -> Path:
        """Path of one of the files."""
        return self.path / name

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.stat().st_size for entry in self.path.iterdir())


@dataclass(frozen=True, kw_only=True)
class ModelDirectory(SealedDirectory):
    """That of an encoder."""

    spec: EncoderSpec


def open_directory(path: Path) -> ModelDirectory:
    """Read `spec.json` and verify every file; ModelDirectoryError names the file and what is wrong with it."""
    spec, recorded = open_sealed(path, "encoder", spec_from_json)
    require_digest(path, spec.digest, compute_digest(recorded, spec.pooling, spec.prefixes, spec.max_tokens))
    return ModelDirectory(path=path, spec=spec, sha256=recorded)


def write_spec(path: Path, spec: EncoderSpec) -> None:
    """Seal the directory: hash the files that lie in it and write `spec.json`."""
    write_sealed(path, spec_to_json(spec))


def open_sealed(path: Path, kind: Kind, spec_of: Callable[[Mapping[str, Any]], Spec]) -> tuple[Spec, Mapping[str, str]]:
    """Give the spec and the hashes that every file was just compared with; ModelDirectoryError as `open_directory`.

    `spec_of` reads what a spec.json holds; KeyError, TypeError, ValueError or AttributeError where it is no such spec.
    """
    spec, recorded = _parse_spec(path / "spec.json", _read_spec(path), kind, spec_of)
    for name in sorted({*recorded, *_FILES[kind]}):
        _verify_file(path / name, recorded.get(name))
    stray = sorted(entry.name for entry in path.iterdir() if entry.name not in recorded and entry.name != "spec.json")
    if stray:
        raise ModelDirectoryError(
            Message(
                "{folder}: holds {files}, which spec.json does not name: remove it", folder=path, files=", ".join(stray)
            )
        )
    return spec, recorded


def write_sealed(path: Path, values: Mapping[str, Any]) -> None:
    """Hash the files that lie in the directory and write `spec.json`, with the values of its spec."""
    sha256 = {entry.name: hash_file(entry) for entry in sorted(path.iterdir()) if entry.name != "spec.json"}
    document = {"format_version": FORMAT_VERSION, **values, "sha256": sha256}
    (path / "spec.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def require_digest(path: Path, stated: str, computed: str) -> None:
    """Raise ModelDirectoryError where a spec states another digest than its files and settings have."""
    if stated != computed:
        raise _damaged(Message("{file}: digest does not follow from its files and settings", file=path / "spec.json"))


def compute_digest(sha256: Mapping[str, str], pooling: Pooling, prefixes: Mapping[Role, str], max_tokens: int) -> str:
    """SHA-256 over all that a vector depends on: network, tokenizer, pooling, prefixes, max_tokens."""
    parts = [
        sha256.get("model.onnx"),
        sha256.get("tokenizer.json"),
        pooling,
        sorted(prefixes.items()),
        max_tokens,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def spec_to_json(spec: EncoderSpec) -> dict[str, Any]:
    """Give `spec` as JSON values, the form of `spec.json` and of a version's manifest."""
    return {**vars(spec), "languages": list(spec.languages), "prefixes": dict(spec.prefixes)}


def spec_from_json(raw: Mapping[str, Any]) -> EncoderSpec:
    """Read what `spec_to_json` gave; KeyError, TypeError or ValueError where it is not that."""
    if not isinstance(raw["dim"], int) or not isinstance(raw["max_tokens"], int):
        raise TypeError(Message("dim and max_tokens must be whole numbers"))
    if raw["pooling"] not in get_args(Pooling):
        raise ValueError(Message("pooling must be one of {names}", names=", ".join(get_args(Pooling))))
    if not isinstance(raw["prefixes"]["question"], str):
        raise TypeError(Message("the prefix of a question must be a text"))
    return EncoderSpec(
        name=plain_name(raw["name"]),
        digest=str(raw["digest"]),
        dim=raw["dim"],
        pooling=raw["pooling"],
        max_tokens=raw["max_tokens"],
        languages=tuple(raw["languages"]),
        prefixes=dict(raw["prefixes"]),
    )


def shipped_models() -> Iterator[Path]:
    """Give the directories of the package that are not those of rerankers, in name order."""
    return (path for path in _sealed_in(PRETRAINED) if not is_reranker(path))


def shipped_rerankers(shipped: Path = PRETRAINED) -> Iterator[Path]:
    """Give the directories of rerankers in the package, in name order."""
    return (path for path in _sealed_in(shipped) if is_reranker(path))


def is_reranker(path: Path) -> bool:
    """Say whether a directory holds a reranker; False where its spec.json cannot be read."""
    try:
        return _kind_of(_read_spec(path)) == "reranker"
    except ModelDirectoryError:
        return False


def find_model(name_or_directory: str) -> Path:
    """Resolve a shipped model's name or a path; ModelDirectoryError lists what there is."""
    if found := find_sealed(name_or_directory, PRETRAINED):
        return found
    known = ", ".join(path.name for path in shipped_models()) or Message("none")
    raise ModelDirectoryError(
        Message(
            "model {model}: neither a shipped model ({known}) nor a folder that holds a spec.json",
            model=name_or_directory,
            known=known,
        )
    )


def find_sealed(name_or_directory: str, shipped: Path) -> Path | None:
    """Give the directory of this name in `shipped`, else the one of this path, None where there is no spec.json."""
    places = (shipped / name_or_directory, Path(name_or_directory))
    return next((place for place in places if (place / "spec.json").is_file()), None)


def _sealed_in(folder: Path) -> list[Path]:
    return sorted(spec.parent for spec in folder.glob("*/spec.json"))


def is_plain_name(name: str) -> bool:
    """Say whether a model or a file of it may be named so: letters, digits, `_`, `-` and `.`, no path."""
    return _PLAIN_NAME.fullmatch(name) is not None


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(problem: Message) -> ModelDirectoryError:
    fix = Message("copy the model directory again from where it came")
    return ModelDirectoryError(Message("{problem}: {fix}", problem=problem, fix=fix))


def _read_spec(path: Path) -> Any:  # noqa: ANN401 (whatever the JSON holds)
    spec_file = path / "spec.json"
    try:
        return json.loads(spec_file.read_bytes())
    except FileNotFoundError:
        raise ModelDirectoryError(Message("{folder}: no model directory: spec.json is missing", folder=path)) from None
    except (OSError, ValueError) as error:
        raise _damaged(Message("{file}: cannot be read ({reason})", file=spec_file, reason=error)) from error


def _kind_of(raw: Any) -> object:  # noqa: ANN401 (whatever the JSON holds)
    """Give what a spec.json says it is; the first ones said nothing and were encoders."""
    return raw.get("kind", "encoder") if isinstance(raw, dict) else "encoder"


def _parse_spec(
    spec_file: Path,
    raw: Any,  # noqa: ANN401 (as above)
    kind: Kind,
    spec_of: Callable[[Mapping[str, Any]], Spec],
) -> tuple[Spec, dict[str, str]]:
    if (found := _kind_of(raw)) != kind:
        raise ModelDirectoryError(
            Message(
                "{file}: is that of a model of the kind {found}, not {kind}", file=spec_file, found=found, kind=kind
            )
        )
    try:
        if raw["format_version"] != FORMAT_VERSION:
            raise ModelDirectoryError(
                Message(
                    "{file}: format {found}, this release reads {known}: upgrade faqmatch",
                    file=spec_file,
                    found=raw["format_version"],
                    known=FORMAT_VERSION,
                )
            )
        return spec_of(raw), {plain_name(name): str(value) for name, value in raw["sha256"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = Message("{file}: is no spec of a model ({reason})", file=spec_file, reason=reason_of(error))
        raise _damaged(problem) from error


def plain_name(name: str) -> str:
    """Give the name as it is; ValueError where `is_plain_name` says no."""
    if not is_plain_name(name):
        raise ValueError(Message("{name!r} is no plain name", name=name))
    return name


def _verify_file(path: Path, recorded: str | None) -> None:
    if recorded is None:
        raise _damaged(Message("{folder}/spec.json: records no hash of {name}", folder=path.parent, name=path.name))
    try:
        actual = hash_file(path)
    except FileNotFoundError:
        raise _damaged(Message("{file}: is missing", file=path)) from None
    except OSError as error:
        raise _damaged(Message("{file}: cannot be read ({reason})", file=path, reason=error.strerror)) from error
    if actual != recorded:
        raise _damaged(Message("{file}: was changed or damaged (SHA-256 differs from spec.json)", file=path))
