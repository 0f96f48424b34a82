"""`faqmatch index`: the batch reindexing job."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from indexer.complaint import Complaint
from indexer.entries import Reading, read_entries
from indexer.entry import Entry
from indexer.errors import IndexerError, InputError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.publishing import read_current
from indexer.reindex import Outcome, reindex
from indexer.version import read_manifest
from models import normalise
from models.directory import DEFAULT_MODEL, PRETRAINED, ModelDirectory, find_model, open_directory
from models.encoder import OnnxEncoder
from models.errors import ModelDirectoryError
from service.commands.terminal import StageProgress, say, warn

_NOTICES_SHOWN: Final = 20


def read_file(
    file: Path,
    *,
    columns: Mapping[str, str],
    sheets: Sequence[str],
    allow_empty_answer: bool,
    allow_conflicts: bool,
    all_notices: bool,
) -> Reading:
    """Read an FAQ file and print its notices; every complaint is printed and InputError raised when there is one."""
    reading = read_entries(
        file,
        columns=columns,
        sheets=sheets,
        allow_empty_answer=allow_empty_answer,
        allow_conflicts=allow_conflicts,
    )
    _show_notices(reading.notices, len(reading.notices) if all_notices else _NOTICES_SHOWN)
    if reading.complaints:
        *others, last = reading.complaints
        for complaint in others:
            warn(f"faqmatch: {complaint}")
        raise InputError(last)
    say(f"{file.name}: {reading.rows:,} rows, {len(reading.entries):,} entries, {len(reading.notices):,} notices")
    return reading


def index(home: Home, kb_name: str, entries: Sequence[Entry], model: str | None, threads: int) -> Outcome:
    """Reindex a knowledge base, show progress and the summary, remember the model where one was named."""
    kb = home.knowledge_base(kb_name)
    home.prepare()
    settings = kb.read_settings()
    source = open_directory(_find_encoder(home, kb, model, settings.encoder))
    encoder = OnnxEncoder.open(home.adopt_model(source).path, threads)
    with StageProgress() as progress:
        outcome = reindex(home, kb, entries, encoder, progress)
    if model is not None or not kb.settings_file.exists():
        kb.write_settings(replace(settings, encoder=settings.encoder if model is None else _lasting_name(source)))
    _warn_of_long_phrasings(entries, encoder)
    say(
        f"{outcome.entries:,} entries ({outcome.new:,} new, {outcome.changed:,} changed, {outcome.unchanged:,} "
        f"unchanged, {outcome.removed:,} removed), {outcome.phrasings:,} phrasings, {outcome.encoded:,} texts encoded"
    )
    what = "published" if outcome.published else "nothing has changed, still current:"
    say(f"knowledge base {kb_name}: {what} version {outcome.version} with {encoder.spec.label}")
    if outcome.warning:
        warn(f"notice: {outcome.warning}")
    return outcome


def choose_columns(given: Sequence[str]) -> dict[str, str]:
    """Read `--map FIELD=COLUMN`; InputError where one is not of that form, or a field is given twice."""
    chosen: dict[str, str] = {}
    for choice in given:
        field, equals, column = choice.partition("=")
        if not equals or not column:
            fix = "write it as FIELD=COLUMN, such as question=Title"
            raise InputError(Complaint(file="--map", problem=f"{choice} names no column", fix=fix))
        if field in chosen:
            raise InputError(Complaint(file="--map", problem=f"{field} is given twice", fix="choose one column for it"))
        chosen[field] = column
    return chosen


def _find_encoder(home: Home, kb: KnowledgeBaseFolder, asked: str | None, remembered: str | None) -> Path:
    """Find the model to index with; ModelDirectoryError says where one that is gone was named, and what to do."""
    try:
        return find_model(asked or remembered or DEFAULT_MODEL)
    except ModelDirectoryError as error:
        if asked or not remembered:
            raise
        fix = " or ".join(f"--model {choice}" for choice in _encoders_at_hand(home, kb))
        raise ModelDirectoryError(f"{error}; {kb.settings_file} names it: choose another with {fix}") from None


def _encoders_at_hand(home: Home, kb: KnowledgeBaseFolder) -> Iterator[str]:
    """Give the home's copy of the model that the current version was built with, and the shipped default."""
    with suppress(IndexerError):
        if current := read_current(kb):
            yield str(home.existing_model(read_manifest(kb.versions / current.version).encoder))
    yield DEFAULT_MODEL


def _lasting_name(model: ModelDirectory) -> str:
    """Give what finds a model from any working folder: the name of a shipped one, else the whole path."""
    return model.path.name if model.path.parent == PRETRAINED else str(model.path.absolute())


def _show_notices(notices: Sequence[Complaint], limit: int) -> None:
    for notice in notices[:limit]:
        warn(f"notice: {notice}")
    if len(notices) > limit:
        warn(f"notice: and {len(notices) - limit:,} more (all of them with --all-notices)")


def _warn_of_long_phrasings(entries: Sequence[Entry], encoder: OnnxEncoder) -> None:
    for entry in entries:
        for phrasing in entry.phrasings:
            if len(phrasing) > encoder.spec.max_tokens // 2:
                unread = encoder.count_overflow(normalise.text(phrasing))
                if unread:
                    warn(f"notice: entry {entry.id}: {unread} tokens of {phrasing[:60]!r} are not read by the encoder")
