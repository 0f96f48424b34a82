"""From a file of FAQs to entries: the front door of everything that reads one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.columns import find_columns
from indexer.complaint import Complaint
from indexer.conflicts import resolve
from indexer.entry import Entry
from indexer.errors import InputError
from indexer.rows import Row, read_rows
from indexer.validation import CheckedRow, RowChecker


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file holds: its good entries, and all that is to be said about the rest, in file order."""

    entries: tuple[Entry, ...]
    notices: tuple[Complaint, ...]
    """Nothing to correct: rows that were folded, conflicts that were allowed."""
    complaints: tuple[Complaint, ...]
    """With even one of them the file should not be published: see `require_clean`."""
    rows: int
    """Rows read, the rejected ones included."""

    def require_clean(self) -> Self:
        """Give the reading back, or raise InputError with its complaints."""
        if self.complaints:
            raise InputError(*self.complaints)
        return self


def read_entries(
    path: Path,
    *,
    allow_empty_answer: bool = False,
    allow_conflicts: bool = False,
    columns: Mapping[str, str] | None = None,
) -> Reading:
    """Read the entries of a CSV or JSONL file; `columns` names the column of a field where its name does not tell.

    Every bad row is in the complaints at once. Raises InputError only where there is no row to judge: no such file,
    no permission, another suffix, nothing inside.
    """
    rows: list[Row] = []
    complaints: list[Complaint] = []
    for row in read_rows(path):
        if isinstance(row, Row):
            rows.append(row)
        else:
            complaints.append(row)
    count = len(rows) + len(complaints)
    if not rows:
        return Reading(entries=(), notices=(), complaints=tuple(complaints), rows=count)

    names = tuple(dict.fromkeys(name for row in rows for name in row.cells))
    try:
        known = find_columns(path.name, names, chosen=columns, answer_required=not allow_empty_answer)
    except InputError as error:
        return Reading(entries=(), notices=(), complaints=(*error.complaints, *complaints), rows=count)

    checker = RowChecker(path.name, known, allow_empty_answer=allow_empty_answer)
    checked: list[CheckedRow] = []
    for row in rows:
        outcome = checker.check(row)
        if isinstance(outcome, CheckedRow):
            checked.append(outcome)
        else:
            complaints += outcome
    resolution = resolve(checked, file=path.name, columns=known, allow_conflicts=allow_conflicts)
    return Reading(
        entries=resolution.entries,
        notices=resolution.notices,
        complaints=tuple(sorted([*complaints, *resolution.complaints], key=_by_row)),
        rows=count,
    )


def _by_row(complaint: Complaint) -> int:
    return complaint.row or 0
