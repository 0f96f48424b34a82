"""`faqmatch index`: the batch reindexing job."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from indexer.complaint import excerpt
from indexer.entries import Reading
from indexer.entry import Entry
from indexer.errors import IndexerError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.near_duplicates import NearDuplicate
from indexer.publishing import read_current
from indexer.reindex import Outcome, reindex
from indexer.version import open_version, read_manifest
from models import normalise
from models.directory import DEFAULT_MODEL, PRETRAINED, ModelDirectory, find_model, open_directory
from models.encoder import OnnxEncoder
from models.errors import ModelDirectoryError
from models.message import Message, joined
from service.commands.terminal import LINES_SHOWN, StageProgress, say, warn, warn_of_first

_IDS_SHOWN: Final = 10


def index(
    home: Home, kb_name: str, reading: Reading, model: str | None, threads: int, most_shown: int | None = LINES_SHOWN
) -> Outcome:
    """Reindex a knowledge base, show progress and the summary, remember the model where one was named.

    Of the near-duplicates `most_shown` are printed, all where it is None, without a word of others where it is 0.
    """
    kb = home.knowledge_base(kb_name)
    home.prepare()
    settings = kb.read_settings()
    source = open_directory(_find_encoder(home, kb, model, settings.encoder))
    encoder = OnnxEncoder.open(home.adopt_model(source).path, threads)
    ids_before = _current_ids(kb) if reading.rejected else frozenset()
    with StageProgress() as progress:
        outcome = reindex(home, kb, reading.entries, encoder, progress)
    if model is not None or not kb.settings_file.exists():
        kb.write_settings(replace(settings, encoder=settings.encoder if model is None else _lasting_name(source)))
    _warn_of_long_phrasings(reading.entries, encoder)
    _warn_of_near_duplicates(reading, outcome, most_shown)
    _warn_of_removed(reading, outcome, ids_before)
    _say_summary(reading, outcome)
    what = Message("published") if outcome.published else Message("nothing has changed, still current:")
    said = Message(
        "knowledge base {kb}: {what} version {version} with {model}",
        kb=kb_name,
        what=what,
        version=outcome.version,
        model=encoder.spec.label,
    )
    say(said)
    if outcome.warning:
        warn(Message("notice: {notice}", notice=outcome.warning))
    return outcome


def _find_encoder(home: Home, kb: KnowledgeBaseFolder, asked: str | None, remembered: str | None) -> Path:
    """Find the model to index with; ModelDirectoryError says where one that is gone was named, and what to do."""
    try:
        return find_model(asked or remembered or DEFAULT_MODEL)
    except ModelDirectoryError as error:
        if asked or not remembered:
            raise
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


def _current_ids(kb: KnowledgeBaseFolder) -> frozenset[str]:
    """Give the ids of the current version; none where there is none, or it is damaged and so is replaced as a whole."""
    with suppress(IndexerError):
        if current := read_current(kb):
            version = open_version(kb.versions / current.version, current.manifest_sha256)
            return frozenset(entry.id for entry in version.entries)
    return frozenset()


def _lasting_name(model: ModelDirectory) -> str:
    """Give what finds a model from any working folder: the name of a shipped one, else the whole path."""
    return model.path.name if model.path.parent == PRETRAINED else str(model.path.absolute())


def _say_summary(reading: Reading, outcome: Outcome) -> None:
    found = Message("{count:,}", count=len(outcome.near_duplicates))
    say(
        Message(
            "{entries:,} entries ({new:,} new, {changed:,} changed, {unchanged:,} unchanged, {removed:,} removed, "
            "{rejected:,} rejected), {phrasings:,} phrasings, {encoded:,} texts encoded, {found} near-duplicates found",
            entries=outcome.entries,
            new=outcome.new,
            changed=outcome.changed,
            unchanged=outcome.unchanged,
            removed=outcome.removed,
            rejected=reading.rejected,
            phrasings=outcome.phrasings,
            encoded=outcome.encoded,
            found=Message("more than {count}", count=found) if outcome.has_more_near_duplicates else found,
        )
    )


def _warn_of_removed(reading: Reading, outcome: Outcome, ids_before: frozenset[str]) -> None:
    """Say which entries are gone only because their rows were rejected."""
    gone = sorted((ids_before & reading.rejected_ids) - {entry.id for entry in reading.entries})
    if gone:
        shown = ", ".join(map(excerpt, gone[:_IDS_SHOWN]))
        ids = Message("{ids} and others", ids=shown) if len(gone) > _IDS_SHOWN else shown
        warn(
            Message(
                "notice: {count:,} of {removed:,} removed entries are gone because their rows were rejected: {ids}",
                count=len(gone),
                removed=outcome.removed,
                ids=ids,
            )
        )
    if outcome.removed > len(gone) and reading.rejected_without_id:
        warn(
            Message(
                "notice: {count:,} rejected rows have an id that is not known: "
                "their entries may be among the {removed:,} removed",
                count=reading.rejected_without_id,
                removed=outcome.removed,
            )
        )


def _warn_of_near_duplicates(reading: Reading, outcome: Outcome, most_shown: int | None) -> None:
    def place(entry: str) -> Message:
        return reading.places[entry].message

    def line(pair: NearDuplicate) -> Message:
        return Message(
            "near-duplicate: {first} {first_phrasing} and {second} {second_phrasing} (similarity {similarity:.2f}): "
            "merge them, or make them differ",
            first=place(pair.first),
            first_phrasing=excerpt(pair.first_phrasing),
            second=place(pair.second),
            second_phrasing=excerpt(pair.second_phrasing),
            similarity=pair.similarity,
        )

    warn_of_first([line(pair) for pair in outcome.near_duplicates], most_shown, _rest_of_near_duplicates)
    if outcome.phrasings_not_compared:
        warn(
            Message(
                "notice: {count:,} phrasings were not compared with the others, near-duplicates of theirs are not said",
                count=outcome.phrasings_not_compared,
            )
        )


def _rest_of_near_duplicates(count: int) -> Message:
    return Message("near-duplicate: and {count:,} more (all with --all-notices)", count=count)


def _warn_of_long_phrasings(entries: Sequence[Entry], encoder: OnnxEncoder) -> None:
    for entry in entries:
        for phrasing in entry.phrasings:
            if len(phrasing) > encoder.spec.max_tokens // 2:
                unread = encoder.count_overflow(normalise.text(phrasing))
                if unread:
                    warn(
                        Message(
                            "notice: entry {id}: {tokens} tokens of {phrasing!r} are not read by the encoder",
                            id=entry.id,
                            tokens=unread,
                            phrasing=phrasing[:60],
                        )
                    )
