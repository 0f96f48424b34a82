"""Reading an FAQ file for a command: its notices, its rejected rows, and the sheet of errors that goes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from indexer.complaint import Complaint
from indexer.entries import Reading, read_entries
from indexer.error_sheet import check_error_sheet, write_error_sheet
from indexer.errors import InputError
from models.message import Message
from service.commands.terminal import LINES_SHOWN, say, warn, warn_of_first
from service.language import translate


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How a file is to be read, and what is to become of the rows that are wrong."""

    columns: Mapping[str, str]
    """Field to column, as `choose_columns` gives it."""
    sheets: Sequence[str]
    allow_empty_answer: bool
    allow_conflicts: bool
    skip_rejected: bool
    """Leave rejected rows out, instead of refusing the file for them."""
    errors: Path | None
    """Where the sheet with the errors is to be written."""
    all_notices: bool

    @property
    def most_shown(self) -> int | None:
        """Lines of one kind that are printed at most; None for all."""
        return None if self.all_notices else LINES_SHOWN


def read_file(file: Path, options: FileOptions) -> Reading:
    """Read an FAQ file and print its notices and what is wrong, without the raw rows in what is given back.

    Raises InputError, when all complaints are printed, for rows that are rejected and not to be skipped, for what is
    wrong with the file as such, and where no row is left: a broken file must not empty a knowledge base.
    """
    if options.errors is not None:
        check_error_sheet(options.errors)
    reading = read_entries(
        file,
        columns=options.columns,
        sheets=options.sheets,
        allow_empty_answer=options.allow_empty_answer,
        allow_conflicts=options.allow_conflicts,
    )
    notices = [Message("notice: {notice}", notice=notice.message) for notice in reading.notices]
    warn_of_first(notices, options.most_shown, _rest_of_notices)
    if reading.complaints:
        _judge(file, reading, options)
    elif options.errors is not None:
        say(Message("nothing is wrong with {file}: {errors} is not written", file=file.name, errors=options.errors))
    say(
        Message(
            "{file}: {rows:,} rows, {rejected:,} rejected, {folded:,} folded, {entries:,} entries, {notices:,} notices",
            file=file.name,
            rows=reading.rows,
            rejected=reading.rejected,
            folded=reading.folded,
            entries=len(reading.entries),
            notices=len(reading.notices),
        )
    )
    return replace(reading, sheets=())


def choose_columns(given: Sequence[str]) -> dict[str, str]:
    """Read `--map FIELD=COLUMN`; InputError where one is not of that form, or a field is given twice."""
    chosen: dict[str, str] = {}
    for choice in given:
        field, equals, column = choice.partition("=")
        if not equals or not column:
            problem = Message("{choice} names no column", choice=choice)
            fix = Message("write it as FIELD=COLUMN, such as question=Title")
            raise InputError(Complaint(file="--map", problem=problem, fix=fix))
        if field in chosen:
            problem = Message("{field} is given twice", field=field)
            raise InputError(Complaint(file="--map", problem=problem, fix=Message("choose one column for it")))
        chosen[field] = column
    return chosen


def _judge(file: Path, reading: Reading, options: FileOptions) -> None:
    """Print what is wrong and write the sheet of errors; raise InputError unless the other rows may be applied."""
    if not options.skip_rejected or reading.faults:
        _refuse(file, reading, options)
    _show_rejected(reading, options)
    if options.errors is not None:
        write_error_sheet(options.errors, reading, translate)
    if not reading.entries:
        problem = Message("none of its {rows:,} rows can be used, nothing was applied", rows=reading.rows)
        raise InputError(Complaint(file=file.name, problem=problem, fix=_way_out(options)))
    if options.errors is not None:
        say(
            Message(
                "{errors} holds all rows, {rejected:,} of them marked: correct these there, and index that file",
                errors=options.errors,
                rejected=reading.rejected,
            )
        )


def _refuse(file: Path, reading: Reading, options: FileOptions) -> NoReturn:
    *others, last = reading.complaints
    for complaint in others:
        warn(Message("faqmatch: {mistake}", mistake=complaint.message))
    if options.errors is None:
        raise InputError(last)
    warn(Message("faqmatch: {mistake}", mistake=last.message))
    write_error_sheet(options.errors, reading, translate)
    raise InputError(Complaint(file=file.name, problem=Message("nothing was applied"), fix=_way_out(options)))


def _way_out(options: FileOptions) -> Message:
    if options.errors is None:
        return Message("correct what is said above")
    return Message("correct {errors}, which says what is wrong, and index that file", errors=options.errors)


def _show_rejected(reading: Reading, options: FileOptions) -> None:
    def rest(count: int) -> Message:
        if options.errors is None:
            return Message(
                "rejected: and {count:,} more (all of them with --all-notices, or in the file of --errors)", count=count
            )
        return Message(
            "rejected: and {count:,} more (all of them with --all-notices, and in {errors})",
            count=count,
            errors=options.errors,
        )

    lines = [Message("rejected: {complaint}", complaint=complaint.message) for complaint in reading.complaints]
    warn_of_first(lines, options.most_shown, rest)


def _rest_of_notices(count: int) -> Message:
    return Message("notice: and {count:,} more (all of them with --all-notices)", count=count)
