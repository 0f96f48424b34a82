"""From a file of FAQs to entries: the front door of everything that reads one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.cells import CellError, parse_tags
from indexer.columns import find_columns, wrong_choices
from indexer.complaint import Complaint
from indexer.conflicts import resolve
from indexer.entry import Entry
from indexer.errors import InputError
from indexer.sheets import Sheet, gather_sheets
from indexer.validation import CheckedRow, RowChecker


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file holds: its good entries, and all that is to be said about the rest, in file order."""

    entries: tuple[Entry, ...]
    notices: tuple[Complaint, ...]
    """Nothing to correct: how the file was read, rows that were folded, conflicts that were allowed."""
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
    sheets: Sequence[str] = (),
) -> Reading:
    """Read the entries of a file; `columns` names the column of a field where its name does not tell.

    `sheets` are the sheets of a workbook to read, all that are not hidden where it is empty. Where rows of several
    sheets are read, the name of its sheet is one more tag of each entry.

    Every bad row is in the complaints at once. Raises InputError only where there is no row to judge: no such file,
    no permission, another suffix, nothing inside, a workbook that is refused.
    """
    chosen = columns or {}
    gathered = gather_sheets(path, chosen, sheets)
    complaints = [*gathered.complaints]
    checked: list[CheckedRow] = []
    names = tuple(dict.fromkeys(name for sheet in gathered.sheets for name in sheet.names))
    if wrong := wrong_choices(path.name, names, chosen) if gathered.sheets else ():
        complaints = [*wrong]  # what is wrong with the rows may come of it
    else:
        for sheet in gathered.sheets:
            its_choices = {field: column for field, column in chosen.items() if column in sheet.names}
            tag = sheet.name if len(gathered.sheets) > 1 else None
            rows, wrong_rows = _check(path.name, sheet, its_choices, tag, allow_empty_answer=allow_empty_answer)
            checked += rows
            complaints += wrong_rows
    resolution = resolve(checked, file=path.name, allow_conflicts=allow_conflicts)
    places = {sheet.name: position for position, sheet in enumerate(gathered.sheets)}
    return Reading(
        entries=resolution.entries,
        notices=(*gathered.notices, *resolution.notices),
        complaints=tuple(
            sorted([*complaints, *resolution.complaints], key=lambda c: (places.get(c.sheet, -1), c.row or 0))
        ),
        rows=gathered.rows,
    )


def _check(
    file: str, sheet: Sheet, chosen: Mapping[str, str], tag: str | None, *, allow_empty_answer: bool
) -> tuple[list[CheckedRow], list[Complaint]]:
    try:
        columns = find_columns(
            file, sheet.names, sheet=sheet.name, chosen=chosen, answer_required=not allow_empty_answer
        )
        if tag is not None:
            parse_tags([tag])
    except InputError as error:
        return [], [*error.complaints]
    except CellError as error:
        problem = f"has a name that is no tag: {error.problem}"
        return [], [Complaint(file=file, sheet=sheet.name, problem=problem, fix="shorten it, or choose it alone")]
    checker = RowChecker(file, columns, allow_empty_answer=allow_empty_answer, tag=tag)
    checked: list[CheckedRow] = []
    complaints: list[Complaint] = []
    for row in sheet.rows:
        outcome = checker.check(row)
        if isinstance(outcome, CheckedRow):
            checked.append(outcome)
        else:
            complaints += outcome
    return checked, complaints
