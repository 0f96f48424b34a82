"""Excel workbooks (.xlsx) as raw rows, each sheet with a header of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, BinaryIO, Final

from indexer.complaint import Complaint, excerpt
from indexer.errors import InputError
from indexer.merges import Merge
from indexer.message_json import from_json
from indexer.row import Notice, Rows, Unreadable, too_long
from indexer.table import Table, TableRow, named_rows
from indexer.workbook_archive import RefusedWorkbook
from indexer.workbook_process import workbook_messages
from models.message import Message

_ZIP: Final = b"PK"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")

Line = dict[str, Any]


def workbook_rows(file: str, content: BinaryIO, chosen: Mapping[str, str], sheets: Sequence[str]) -> Rows:
    """Read the rows of a workbook, an open file: of the `sheets` named, or of all that are not hidden.

    Raises InputError where the workbook is refused.
    """
    try:
        _check_beginning(content)
        with closing(workbook_messages(content, sheets)) as source:
            yield from _all_sheets(file, _Messages(source), chosen)
    except RefusedWorkbook as refusal:
        raise InputError(Complaint(file=file, problem=refusal.problem, fix=refusal.fix)) from None


def _all_sheets(file: str, messages: "_Messages", chosen: Mapping[str, str]) -> Rows:
    hidden = read = False
    while (message := messages.take()) is not None:
        if "skipped" in message:
            hidden = True
            problem, fix = Message("is hidden"), Message("not read: to read it choose it with --sheet")
            yield Notice(said=Complaint(file=file, sheet=message["skipped"], problem=problem, fix=fix))
        else:
            read = True
            yield from _sheet_rows(file, message, messages, chosen)
    if hidden and not read:
        raise RefusedWorkbook(Message("has hidden sheets alone"), Message("unhide one, or choose it with --sheet"))


@dataclass
class _Messages:
    """The messages of the child process, one of which may be put back."""

    source: Iterator[Line]
    put_back: list[Line] = field(default_factory=list)

    def take(self) -> Line | None:
        return self.put_back.pop() if self.put_back else next(self.source, None)


def _sheet_rows(file: str, sheet: Line, messages: _Messages, chosen: Mapping[str, str]) -> Rows:
    def rows() -> Iterator[TableRow | Complaint]:
        while (message := messages.take()) is not None:
            if "row" in message:
                yield TableRow(number=message["row"], cells=list(map(_cell, message["cells"])))
            elif "too_long" in message:
                yield too_long(file, message["too_long"], name)
            else:
                messages.put_back.append(message)
                return

    name: str = sheet["sheet"]
    merges = tuple(Merge(*merge) for merge in sheet["merges"])
    rest = rows()
    yield from named_rows(Table(file=file, sheet=name, rows=rest, merges=merges), chosen)
    for _ in rest:  # below a header that is refused
        pass


def _cell(cell: object) -> object:
    if isinstance(cell, dict):
        return _unreadable(from_json(cell["fault"]))
    return cell


@lru_cache(maxsize=100)
def _unreadable(fault: Message) -> Unreadable:
    """Give the same object for the same fault: a sheet may hold a million of them."""
    fix = Message("correct it, and save the workbook in Excel")
    return Unreadable(problem=Message("is {fault}", fault=fault), fix=fix)


def _check_beginning(content: BinaryIO) -> None:
    beginning = content.read(len(_OLE))
    content.seek(0)
    if beginning.startswith(_ZIP):
        return
    if not beginning:
        raise RefusedWorkbook(Message("is empty"), Message("save the workbook again"))
    if beginning == _OLE:
        encrypted = _ENCRYPTED in content.read()
        if encrypted:
            raise RefusedWorkbook(Message("is protected by a password"), Message("save it without one"))
        raise RefusedWorkbook(Message("is an old workbook (.xls) by another name"), Message("save it as .xlsx"))
    shown = excerpt(beginning.decode("latin-1"))
    problem = Message("is no Excel workbook (it begins with {beginning})", beginning=shown)
    fix = Message("save the sheet as .xlsx, or give the file the suffix of what it is")
    raise RefusedWorkbook(problem, fix)
