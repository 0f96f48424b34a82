"""The rows of a file by the sheet they are from; a CSV or JSONL file is one sheet without a name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indexer.columns import field_of
from indexer.complaint import Complaint
from indexer.errors import InputError
from indexer.row import Header, Notice, Row
from indexer.rows import read_rows
from indexer.table import COMMENT
from models.message import Message

_OF_AN_FAQ: Final = {"question", "answer", "similar"}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The rows of one sheet below its header; those that are broken as such are among the complaints."""

    header: Header
    rows: tuple[Row, ...]

    @property
    def name(self) -> str | None:
        """The name of the sheet; None of a file that has none."""
        return self.header.sheet

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return self.header.names


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The sheets of a file that hold rows of an FAQ, and what is to be said of the rest."""

    sheets: tuple[Sheet, ...]
    notices: tuple[Complaint, ...]
    complaints: tuple[Complaint, ...]
    rows: int
    """In these sheets, the broken ones included."""


def gather_sheets(path: Path, chosen: Mapping[str, str], asked: Sequence[str]) -> Gathered:
    """Read a file to its end. Beside an FAQ, a sheet that nobody asked for and that is none is left out with a notice.

    None is a sheet that has neither a question nor an answer column, as a legend or a list of contents: where only one
    of the two is missing, its name is probably misspelt. Raises InputError as `read_rows` does.
    """
    headers: dict[str | None, Header] = {}
    rows: defaultdict[str | None, list[Row]] = defaultdict(list)
    notices: list[Complaint] = []
    complaints: list[Complaint] = []
    for item in read_rows(path, chosen=chosen, sheets=asked):
        match item:
            case Row():
                rows[item.sheet].append(item)
            case Header():
                headers[item.sheet] = item
            case Notice():
                notices.append(item.said)
            case Complaint():
                complaints.append(item)
    if None in rows and None not in headers:  # JSONL
        headers[None] = Header(number=0, columns=tuple(dict.fromkeys(name for row in rows[None] for name in row.cells)))

    wanted = frozenset(chosen.values())
    legends = {name for name, header in headers.items() if not asked and not _is_faq(header.names, wanted)}
    comments = {name for name in legends if "".join(headers[name].names[:1]).startswith(COMMENT)}
    if len(legends) == len(headers):
        legends = comments  # what is missing is to be said of each of the others
    for name in headers:
        if name in legends - comments:
            problem, fix = Message("has neither a question nor an answer column"), Message("not read")
            notices.append(Complaint(file=path.name, sheet=name, problem=problem, fix=fix))
    if legends:
        complaints = [complaint for complaint in complaints if complaint.sheet not in legends]
    broken = {complaint.sheet for complaint in complaints if not complaint.hides_rows}
    sheets = tuple(
        Sheet(header=header, rows=tuple(rows[name]))
        for name, header in headers.items()
        if (rows[name] or name in broken) and name not in legends
    )
    if not sheets and not complaints:
        fix = Message("write at least one row below the header of the questions")
        raise InputError(Complaint(file=path.name, problem=Message("holds no rows"), fix=fix))
    count = sum(len(sheet.rows) for sheet in sheets) + len(complaints)
    return Gathered(sheets=sheets, notices=tuple(notices), complaints=tuple(complaints), rows=count)


def _is_faq(names: Sequence[str], wanted: frozenset[str]) -> bool:
    return any(name in wanted or field_of(name) in _OF_AN_FAQ for name in names)
