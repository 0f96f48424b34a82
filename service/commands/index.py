"""`faqmatch index`: the batch reindexing job."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from indexer.complaint import Complaint
from indexer.entries import Reading, read_entries
from indexer.entry import Entry
from indexer.errors import InputError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.reindex import Outcome, reindex
from models import normalise
from models.directory import DEFAULT_MODEL, ModelDirectory, find_model, open_directory
from models.encoder import OnnxEncoder
from service.commands.terminal import StageProgress, say, warn

_NOTICES_SHOWN: Final = 20


def read_file(file: Path, *, allow_empty_answer: bool, allow_conflicts: bool, all_notices: bool) -> Reading:
    """Read an FAQ file and print its notices; every complaint is printed and InputError raised when there is one."""
    reading = read_entries(file, allow_empty_answer=allow_empty_answer, allow_conflicts=allow_conflicts)
    _show_notices(reading.notices, len(reading.notices) if all_notices else _NOTICES_SHOWN)
    if reading.complaints:
        for complaint in reading.complaints[1:]:
            warn(str(complaint))
        raise InputError(reading.complaints[0])
    say(f"{file.name}: {reading.rows:,} rows, {len(reading.entries):,} entries, {len(reading.notices):,} notices")
    return reading


def index(home: Home, kb_name: str, entries: Sequence[Entry], model: str | None, threads: int) -> Outcome:
    """Reindex a knowledge base, show progress and the summary, remember the model where one was named."""
    kb = home.knowledge_base(kb_name)
    home.prepare()
    directory = home.adopt_model(_choose_model(kb, model))
    encoder = OnnxEncoder.open(directory.path, threads)
    with StageProgress() as progress:
        outcome = reindex(home, kb, entries, encoder, progress)
    settings = kb.read_settings()
    if model is not None or not kb.settings_file.exists():
        kb.write_settings(replace(settings, encoder=model or settings.encoder))
    _warn_of_long_phrasings(entries, encoder)
    say(
        f"{outcome.entries:,} entries ({outcome.new:,} new, {outcome.changed:,} changed, {outcome.unchanged:,} "
        f"unchanged, {outcome.removed:,} removed), {outcome.phrasings:,} phrasings, {outcome.encoded:,} texts encoded"
    )
    what = "published" if outcome.published else "nothing has changed, still current:"
    say(f"knowledge base {kb_name}: {what} version {outcome.version} with {encoder.spec.label}")
    return outcome


def _choose_model(kb: KnowledgeBaseFolder, named: str | None) -> ModelDirectory:
    return open_directory(find_model(named or kb.read_settings().encoder or DEFAULT_MODEL))


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
