"""Which encoder an index run takes: the one that is named, else the one for the languages of the FAQ."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indexer.complaint import excerpt
from indexer.current import read_current
from indexer.entry import Entry
from indexer.errors import IndexerError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.version import read_manifest
from indexer.version_list import list_versions
from models.directory import DEFAULT_MODEL, PRETRAINED, ModelDirectory, find_model, open_directory
from models.errors import ModelDirectoryError
from models.languages import holds_chinese
from models.message import Message, joined
from models.types import EncoderSpec
from service.settings import refuse_model

_ENGLISH_ALONE: Final = ("en",)
_SETTING: Final = "encoder"


@dataclass(frozen=True, kw_only=True)
class NamedEncoders:
    """The model names or folders that are given for an index run; the first that is one counts."""

    asked: str | None
    """By `--model`."""
    remembered: str | None
    """By kb.json."""
    setting: str | None
    """By the environment or faqmatch.toml."""


@dataclass(frozen=True, kw_only=True)
class EncoderChoice:
    """A model directory, and the line that says why it was taken: None where it was named, or is the only one."""

    path: Path
    reason: Message | None = None


def choose_encoder(
    home: Home, kb: KnowledgeBaseFolder, named: NamedEncoders, entries: Sequence[Entry], shipped: Iterable[Path]
) -> EncoderChoice:
    """Give the encoder to index with; ModelDirectoryError says where one that is gone was named, and what to do."""
    if named.asked:
        return EncoderChoice(path=find_model(named.asked))
    if named.remembered:
        return EncoderChoice(path=_find_remembered(home, kb, named.remembered))
    if named.setting:
        return EncoderChoice(path=_find_setting(named.setting))
    return choose_by_language(entries, _former_encoder(kb), shipped)


def choose_by_language(entries: Sequence[Entry], former: EncoderSpec | None, shipped: Iterable[Path]) -> EncoderChoice:
    """Choose among the shipped encoders by the characters of `entries`; `former` is that of the last version.

    The one for English alone is taken where no phrasing holds a Chinese character, unless the knowledge base has been
    built with another one: so the first Chinese phrasing changes the encoder, and its removal does not change it back.
    """
    bilingual, english = find_model(DEFAULT_MODEL), _find_english(shipped)
    was_english = former is not None and former.languages == _ENGLISH_ALONE
    if english is None and not was_english:
        return EncoderChoice(path=bilingual)
    chinese = [found[0] for entry in entries if (found := list(filter(holds_chinese, entry.phrasings)))]
    if chinese:
        reason = Message(
            "{count:,} of {entries:,} entries hold Chinese, such as {phrasing}",
            count=len(chinese),
            entries=len(entries),
            phrasing=excerpt(chinese[0]),
        )
        return _choice(bilingual, reason, former if was_english else None)
    if english is None:
        return _choice(bilingual, Message("this release has no encoder for English alone"), former)
    if former is None or was_english:
        return _choice(english, Message("no question and no similar holds a Chinese character"))
    reason = Message(
        "no entry holds Chinese, but the last version was built with {former}; "
        "--model {english} takes the encoder for English alone",
        former=former.label,
        english=english.name,
    )
    return _choice(bilingual, reason)


def lasting_name(model: ModelDirectory) -> str:
    """Give what finds a model from any working folder: the name of a shipped one, else the whole path."""
    return model.path.name if model.path.parent == PRETRAINED else str(model.path.absolute())


def _choice(path: Path, why: Message, instead_of: EncoderSpec | None = None) -> EncoderChoice:
    if instead_of is None:
        return EncoderChoice(path=path, reason=Message("encoder {model}: {reason}", model=path.name, reason=why))
    line = Message(
        "encoder {model} instead of {former}: {reason}", model=path.name, former=instead_of.label, reason=why
    )
    return EncoderChoice(path=path, reason=line)


def _find_english(shipped: Iterable[Path]) -> Path | None:
    """Give the shipped encoder for English alone; one that is damaged is no choice, `faqmatch doctor` tells of it."""
    for path in shipped:
        with suppress(ModelDirectoryError):
            if open_directory(path).spec.languages == _ENGLISH_ALONE:
                return path
    return None


def _former_encoder(kb: KnowledgeBaseFolder) -> EncoderSpec | None:
    """Give what the current version was built with, else the newest that can be read; None where there is none."""
    oldest_first = sorted(list_versions(kb), key=lambda listed: listed.current)  # but the current one last
    readable = [listed.manifest for listed in oldest_first if listed.manifest]
    return readable[-1].encoder if readable else None


def _find_remembered(home: Home, kb: KnowledgeBaseFolder, name: str) -> Path:
    try:
        return find_model(name)
    except ModelDirectoryError as error:
        choices = [Message("--model {model}", model=model) for model in _encoders_at_hand(home, kb)]
        raise ModelDirectoryError(
            Message(
                "{problem}; {file} names it: choose another with {choices}",
                problem=error,
                file=kb.settings_file,
                choices=joined(choices, Message(" or ")),
            )
        ) from None


def _encoders_at_hand(home: Home, kb: KnowledgeBaseFolder) -> Iterator[str]:
    """Give the home's copy of the model that the current version was built with, and the shipped default."""
    with suppress(IndexerError):
        if current := read_current(kb):
            yield str(home.existing_model(read_manifest(kb.versions / current.version).encoder))
    yield DEFAULT_MODEL


def _find_setting(name: str) -> Path:
    try:
        return find_model(name)
    except ModelDirectoryError as error:
        raise refuse_model(_SETTING, error) from None
