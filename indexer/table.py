"""A table (a CSV file, a sheet) as raw rows by column name: where its header is, and which cell has which name."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from indexer.columns import field_of
from indexer.complaint import Complaint, excerpt
from indexer.merges import Merge, Merges, header_cells
from indexer.row import Header, Notice, Row, Rows, Unreadable
from models.message import Message

HEADER_WITHIN: Final = 10
"""The header is looked for in so many rows that are neither blank nor a comment."""
COMMENT: Final = "# "
"""How a row above the header begins that is there for the reader of the sheet alone, as in our template."""
_MOST_COMMENTS: Final = 100


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """The cells of one row by position, None where one is blank."""

    number: int
    cells: Sequence[object]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows that are not blank, with complaints in the place of those that are broken."""

    file: str
    sheet: str | None = None
    """None for a CSV file."""
    rows: Iterable[TableRow | Complaint]
    merges: Sequence[Merge] = ()


def named_rows(table: Table, chosen: Mapping[str, str]) -> Rows:
    """Give the rows below the header, by the header's names; `chosen` is the column of a field, as in `--map`.

    The header is the first row that holds the name of a question column, so that a title may stand above it; where
    none of the first rows does, it is the very first: then its names will be complained about.
    """
    ahead = iter(table.rows)
    tried: list[TableRow | Complaint] = []
    comments = 0
    for row in ahead:
        tried.append(row)
        comments += _is_comment(row)
        if isinstance(row, TableRow) and names_question(row.cells, chosen):
            break
        if len(tried) - comments >= HEADER_WITHIN or comments >= _MOST_COMMENTS:
            break
    position = _header_position(tried, chosen)
    for row in tried[:position]:
        if isinstance(row, Complaint):
            yield row
        elif not _is_comment(row):
            problem, fix = Message("{cell} stands above the header", cell=excerpt(_first(row))), Message("not read")
            said = Complaint(file=table.file, sheet=table.sheet, row=row.number, problem=problem, fix=fix)
            yield Notice(said=said)
    header = tried[position] if position < len(tried) else None
    if isinstance(header, TableRow):
        yield from _below(table, header, chain(tried[position + 1 :], ahead))
    elif header is not None:
        yield replace(header, hides_rows=True)  # without a header no cell below has a name


def names_question(cells: Sequence[object], chosen: Mapping[str, str]) -> bool:
    """Say whether a cell is the name of the question column."""
    names = [_name(cell) for cell in cells]
    if "question" in chosen:
        return chosen["question"] in names
    return any(field_of(name) == "question" for name in names if name)


def _header_position(tried: Sequence[TableRow | Complaint], chosen: Mapping[str, str]) -> int:
    for choice in (chosen, {}):
        for position, row in enumerate(tried):
            if isinstance(row, TableRow) and names_question(row.cells, choice):
                return position
    return 0


def _is_comment(row: TableRow | Complaint) -> bool:
    return isinstance(row, TableRow) and _first(row).startswith(COMMENT)


def _first(row: TableRow) -> str:
    return next((str(cell) for cell in row.cells if cell is not None and not isinstance(cell, Unreadable)), "")


def _below(table: Table, header: TableRow, rows: Iterable[TableRow | Complaint]) -> Rows:
    cells, last = header_cells(header.number, header.cells, table.merges)
    names = _number_similar([_name(cell) for cell in cells])
    yield Header(sheet=table.sheet, number=header.number, columns=tuple(names))
    twice = next((name for name, count in Counter(names).items() if name and count > 1), None)
    if twice is not None:
        problem = Message("names the column {column} twice", column=excerpt(twice))
        fix = Message("rename one of the two")
        yield Complaint(
            file=table.file, sheet=table.sheet, row=header.number, problem=problem, fix=fix, hides_rows=True
        )
        return
    ids = {position for position, name in enumerate(names) if field_of(name) == "id"}
    merges = Merges(table.merges)
    for row in rows:
        if isinstance(row, Complaint):
            yield row
        elif row.number > last:
            own = list(row.cells)
            # An id belongs to one entry: the rows it is merged over are joined by their question and answer.
            for position in merges.fill_down(row.number, own) & ids:
                own[position] = None
            yield _named(table, names, replace(row, cells=own))


def _named(table: Table, names: Sequence[str], row: TableRow) -> Row | Complaint:
    if len(row.cells) > len(names) and table.sheet is None:
        # Even an empty cell too many: an answer that ends in an unquoted comma would silently lose it.
        cells, columns = len(row.cells), len(names)
        problem = Message("has {cells} cells, the header has {columns}", cells=cells, columns=columns)
        fix = Message('put a cell that holds a comma in "quotes"')
        return Complaint(file=table.file, row=row.number, problem=problem, fix=fix, cells=row.cells)
    named: dict[str, object] = {}
    for position, cell in enumerate(row.cells):
        name = names[position] if position < len(names) else ""
        if cell is not None and not name:
            shown = Message("a formula or error") if isinstance(cell, Unreadable) else excerpt(str(cell))
            where = Message("cell {position}", position=position + 1)
            if table.sheet is not None:
                where = Message("cell {reference}", reference=f"{column_letters(position)}{row.number}")
            problem = Message("has {shown} in {where}, a column without a name", shown=shown, where=where)
            fix = Message("name the column, or clear the cell")
            return Complaint(
                file=table.file, sheet=table.sheet, row=row.number, problem=problem, fix=fix, cells=row.cells
            )
        if cell is not None:
            named[name] = cell
    return Row(number=row.number, sheet=table.sheet, cells=named)


def column_letters(position: int) -> str:
    """Give what Excel calls the column at `position`, from 0: A, B, ... Z, AA."""
    letters = ""
    while position >= 0:
        position, letter = divmod(position, 26)
        letters = chr(ord("A") + letter) + letters
        position -= 1
    return letters


def _name(cell: object) -> str:
    return "" if cell is None or isinstance(cell, Unreadable) else " ".join(str(cell).split())


def _number_similar(names: list[str]) -> list[str]:
    """Tell columns apart that share one name of similar questions: its cell was merged over them, or repeated."""
    seen: Counter[str] = Counter()
    taken = set(names)
    told_apart: list[str] = []
    for name in names:
        seen[name] += 1
        if seen[name] > 1 and field_of(name) == "similar":
            number = next(n for n in range(seen[name], len(names) + 2 + seen[name]) if f"{name} {n}" not in taken)
            name = f"{name} {number}"
            taken.add(name)
        told_apart.append(name)
    return told_apart
