"""From a file of FAQs to entries: the front door of everything that reads one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.cells import CellError, parse_tags
from indexer.columns import find_columns, wrong_choices
from indexer.complaint import Complaint
from indexer.conflicts import resolve
from indexer.entry import Entry
from indexer.errors import InputError
from indexer.row import Place
from indexer.sheets import Sheet, gather_sheets
from indexer.validation import CheckedRow, RejectedRow, RowChecker
from models.message import Message


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file holds: the entries of its good rows, and all that is to be said about the rest, in file order."""

    entries: tuple[Entry, ...]
    """Of the rows that nothing is wrong with; of no row that contradicts another."""
    places: Mapping[str, Place]
    """Where each entry stands, by its id; one that rows were folded into stands in the first of them."""
    notices: tuple[Complaint, ...]
    """Nothing to correct: how the file was read, rows that were folded, conflicts that were allowed."""
    complaints: tuple[Complaint, ...]
    """With even one of them the file should not be published as it is: see `require_clean`."""
    rows: int
    """Rows read, the rejected ones included."""
    folded: int
    """Rows that became part of the entry of another."""
    rejected_ids: frozenset[str]
    """What the ids of the entries of rejected rows would be, as far as these are known."""
    rejected_without_id: int
    """Rejected rows whose ids are not known."""
    sheets: tuple[Sheet, ...]
    """The raw rows, without those that are broken as such; empty where none was judged, for a choice of columns."""

    @property
    def faults(self) -> tuple[Complaint, ...]:
        """The complaints about the file or a sheet as such, of which nobody is rid by leaving rows out."""
        return tuple(complaint for complaint in self.complaints if complaint.row is None or complaint.hides_rows)

    @property
    def rejected(self) -> int:
        """Rows with a complaint."""
        return len(_rows_of(self.complaints))

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
    rejected: list[RejectedRow] = []
    names = tuple(dict.fromkeys(name for sheet in gathered.sheets for name in sheet.names))
    if wrong := wrong_choices(path.name, names, chosen) if gathered.sheets else ():
        complaints = [*wrong]  # what is wrong with the rows may come of it
    else:
        for sheet in gathered.sheets:
            its_choices = {field: column for field, column in chosen.items() if column in sheet.names}
            tag = sheet.name if len(gathered.sheets) > 1 else None
            try:
                checker = _checker(path.name, sheet, its_choices, tag, allow_empty_answer=allow_empty_answer)
            except InputError as error:
                complaints += error.complaints
                continue
            for row in sheet.rows:
                outcome = checker.check(row)
                if isinstance(outcome, CheckedRow):
                    checked.append(outcome)
                else:
                    rejected.append(outcome)
                    complaints += outcome.complaints
    resolution = resolve(checked, allow_conflicts=allow_conflicts)
    order = {sheet.name: position for position, sheet in enumerate(gathered.sheets)}
    return Reading(
        entries=resolution.entries,
        places=resolution.places,
        notices=(*gathered.notices, *resolution.notices),
        complaints=tuple(
            sorted([*complaints, *resolution.complaints], key=lambda c: (order.get(c.sheet, -1), c.row or 0))
        ),
        rows=gathered.rows,
        folded=resolution.folded,
        rejected_ids=resolution.rejected.union(row.id for row in rejected if row.id is not None),
        rejected_without_id=len(_rows_of(gathered.complaints)) + sum(row.id is None for row in rejected),
        sheets=() if wrong else gathered.sheets,
    )


def _rows_of(complaints: Iterable[Complaint]) -> set[tuple[str | None, int]]:
    return {(c.sheet, c.row) for c in complaints if c.row is not None and not c.hides_rows}


def _checker(
    file: str, sheet: Sheet, chosen: Mapping[str, str], tag: str | None, *, allow_empty_answer: bool
) -> RowChecker:
    columns = find_columns(file, sheet.names, sheet=sheet.name, chosen=chosen, answer_required=not allow_empty_answer)
    try:
        parse_tags([] if tag is None else [tag])
    except CellError as error:
        problem = Message("has a name that is no tag: {problem}", problem=error.problem)
        fix = Message("shorten it, or choose it alone")
        raise InputError(Complaint(file=file, sheet=sheet.name, problem=problem, fix=fix)) from None
    return RowChecker(file, columns, allow_empty_answer=allow_empty_answer, tag=tag)
