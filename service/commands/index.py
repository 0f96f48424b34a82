"""`faqmatch index`: the batch reindexing job."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from indexer.complaint import excerpt
from indexer.entries import Reading
from indexer.entry import Entry
from indexer.home import Home
from indexer.near_duplicates import Comparison, NearDuplicate, find_near_duplicates
from indexer.reindex import Outcome, reindex
from models import normalise
from models.directory import open_directory, shipped_models
from models.encoder import OnnxEncoder
from models.message import Message
from service.commands.encoder_choice import NamedEncoders, choose_encoder, lasting_name
from service.commands.terminal import LINES_SHOWN, StageProgress, say, warn, warn_of_first

_IDS_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """The options of the command, and what else decides about a run."""

    model: str | None = None
    """The encoder for this run and, remembered in kb.json, for those after it."""
    encoder: str | None = None
    """The encoder where neither `model` nor kb.json names one: the setting of that name."""
    threads: int = 1
    most_shown: int | None = LINES_SHOWN
    """Near-duplicates that are printed, all where it is None; not a word of others where it is 0."""
    shipped: Sequence[Path] = field(default_factory=lambda: tuple(shipped_models()))
    """The model directories to choose from where no encoder is named."""


def index(home: Home, kb_name: str, reading: Reading, options: IndexOptions) -> Outcome:
    """Reindex a knowledge base, show progress and the summary, remember the model where one was named.

    What is new is published, and said to be, before it is compared with the rest, which a user may not want to await.
    """
    kb = home.knowledge_base(kb_name)
    home.prepare()
    settings = kb.read_settings()
    named = NamedEncoders(asked=options.model, remembered=settings.encoder, setting=options.encoder)
    choice = choose_encoder(home, kb, named, reading.entries, options.shipped)
    if choice.reason:
        say(choice.reason)
    source = open_directory(choice.path)
    encoder = OnnxEncoder.load(home.adopt_model(source), options.threads)
    with StageProgress() as progress:
        outcome = reindex(home, kb, reading.entries, encoder, progress)
    _say_version(kb_name, outcome, encoder)
    if options.model is not None or not kb.settings_file.exists():
        lasting = settings.encoder if options.model is None else lasting_name(source)
        kb.write_settings(replace(settings, encoder=lasting))
    _warn_of_long_phrasings(reading.entries, encoder)
    _warn_of_removed(reading, outcome)
    comparison = _compare(outcome)
    if comparison is not None:
        _warn_of_near_duplicates(reading, comparison, options.most_shown)
    _say_summary(reading, outcome, comparison)
    if outcome.warning:
        warn(Message("notice: {notice}", notice=outcome.warning))
    return outcome


def _compare(outcome: Outcome) -> Comparison | None:
    """Look for near-duplicates of what is new; None where it could not be done, which takes nothing back."""
    if outcome.indexed is None:
        return Comparison()
    try:
        with StageProgress() as progress:
            return find_near_duplicates(outcome.indexed, partial(progress, "compare"))
    except MemoryError:
        warn(
            Message(
                "notice: version {version} is published, but there is too little memory to look for near-duplicates",
                version=outcome.version,
            )
        )
        return None


def _say_version(kb_name: str, outcome: Outcome, encoder: OnnxEncoder) -> None:
    what = Message("published") if outcome.published else Message("nothing has changed, still current:")
    said = Message(
        "knowledge base {kb}: {what} version {version} with {model}",
        kb=kb_name,
        what=what,
        version=outcome.version,
        model=encoder.spec.label,
    )
    say(said)


def _say_summary(reading: Reading, outcome: Outcome, comparison: Comparison | None) -> None:
    say(
        Message(
            "{entries:,} entries ({new:,} new, {changed:,} changed, {unchanged:,} unchanged, {removed:,} removed, "
            "{rejected:,} rejected), {phrasings:,} phrasings, {encoded:,} texts encoded, {near_duplicates}",
            entries=outcome.entries,
            new=outcome.new,
            changed=outcome.changed,
            unchanged=outcome.unchanged,
            removed=len(outcome.removed),
            rejected=reading.rejected,
            phrasings=outcome.phrasings,
            encoded=outcome.encoded,
            near_duplicates=_count_near_duplicates(comparison),
        )
    )


def _count_near_duplicates(comparison: Comparison | None) -> Message:
    if comparison is None:
        return Message("near-duplicates not looked for")
    if comparison.has_more:
        return Message("more than {count:,} near-duplicates found", count=len(comparison.pairs))
    return Message("{count:,} near-duplicates found", count=len(comparison.pairs))


def _warn_of_removed(reading: Reading, outcome: Outcome) -> None:
    """Say which entries are gone only because their rows were rejected."""
    gone = sorted(reading.rejected_ids.intersection(outcome.removed))
    if gone:
        shown = ", ".join(map(excerpt, gone[:_IDS_SHOWN]))
        ids = Message("{ids} and others", ids=shown) if len(gone) > _IDS_SHOWN else shown
        warn(
            Message(
                "notice: {count:,} of {removed:,} removed entries are gone because their rows were rejected: {ids}",
                count=len(gone),
                removed=len(outcome.removed),
                ids=ids,
            )
        )
    if len(outcome.removed) > len(gone) and reading.rejected_without_id:
        warn(
            Message(
                "notice: {count:,} rejected rows have an id that is not known: "
                "their entries may be among the {removed:,} removed",
                count=reading.rejected_without_id,
                removed=len(outcome.removed),
            )
        )


def _warn_of_near_duplicates(reading: Reading, comparison: Comparison, most_shown: int | None) -> None:
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

    warn_of_first([line(pair) for pair in comparison.pairs], most_shown, _rest_of_near_duplicates)
    if comparison.phrasings_left_out:
        warn(
            Message(
                "notice: {count:,} phrasings were not compared with the others, near-duplicates of theirs are not said",
                count=comparison.phrasings_left_out,
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
