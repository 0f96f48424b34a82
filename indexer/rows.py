"""Input files of every format as one stream of raw rows."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from indexer.complaint import Complaint, excerpt
from indexer.csv_rows import csv_rows, tsv_rows
from indexer.errors import InputError
from indexer.jsonl_rows import jsonl_rows
from indexer.row import MAX_FILE_BYTES, MAX_ROWS, Row, Rows
from indexer.workbook_rows import workbook_rows
from models.message import Message


def read_rows(
    path: Path, *, chosen: Mapping[str, str] | None = None, sheets: Sequence[str] = (), most: int = MAX_ROWS
) -> Rows:
    """Read a .xlsx, .csv, .tsv, .jsonl, .ndjson or .json-lines file row by row.

    A row that is broken as such comes as a complaint in its place. `chosen` is the column of a field, as in `--map`:
    a header is known by it too. `sheets` are the sheets of a workbook to read, all that are not hidden where it is
    empty. Raises InputError, at the first row asked for, where there is nothing to read: another suffix, no file, no
    rows or more than `most`, a workbook that is refused.
    """
    read = _format(path, sheets)
    with _opened(path) as file:
        count = 0
        for row in read(path.name, file, chosen or {}, sheets):
            if isinstance(row, Row | Complaint):
                count += 1
            if count > most:
                problem = Message("has more than {most:,} rows", most=most)
                raise InputError(Complaint(file=path.name, problem=problem, fix=Message("split it")))
            yield row
    if count == 0:
        fix = Message("write one JSON object a line, or a header and at least one row below it")
        raise InputError(Complaint(file=path.name, problem=Message("holds no rows"), fix=fix))


Reader = Callable[[str, BinaryIO, Mapping[str, str], Sequence[str]], Rows]


def _format(path: Path, sheets: Sequence[str]) -> Reader:
    suffix = path.suffix.lower()
    read = _FORMATS.get(suffix)
    if read is None:
        problem = Message("has the unknown suffix {suffix}", suffix=excerpt(path.suffix))
        known = Message("give a file that ends in {suffixes}", suffixes=", ".join(_FORMATS))
        raise InputError(Complaint(file=str(path), problem=problem, fix=_OTHER_FORMATS.get(suffix, known)))
    if sheets and suffix != ".xlsx":
        fix = Message("leave out --sheet")
        raise InputError(Complaint(file=path.name, problem=Message("has no sheets"), fix=fix))
    return read


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open has no opener
    except FileNotFoundError:
        problem = Message("does not exist")
    except IsADirectoryError:
        problem = Message("is a folder")
    except PermissionError:
        problem = Message("may not be read by this user")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        problem = Message("cannot be read ({reason})", reason=getattr(error, "strerror", str(error)))
    else:
        with file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                problem, fix = Message("is no ordinary file"), Message("copy it into one")
                raise InputError(Complaint(file=str(path), problem=problem, fix=fix))
            if status.st_size > MAX_FILE_BYTES:
                size, limit = status.st_size, MAX_FILE_BYTES
                problem = Message("has {size:,} bytes, the limit is {limit:,}", size=size, limit=limit)
                fix = Message("leave out what the bot does not need, such as pictures")
                raise InputError(Complaint(file=path.name, problem=problem, fix=fix))
            yield file
            return
    raise InputError(Complaint(file=str(path), problem=problem, fix=Message("give the path of a readable file")))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe without a writer would never open


def _content(file: BinaryIO) -> bytes:
    return file.read(MAX_FILE_BYTES + 1)


_FORMATS: Final[Mapping[str, Reader]] = {
    ".xlsx": workbook_rows,
    ".csv": lambda name, file, chosen, _: csv_rows(name, _content(file), chosen),
    ".tsv": lambda name, file, chosen, _: tsv_rows(name, _content(file), chosen),
    ".jsonl": lambda name, file, *_: jsonl_rows(name, _content(file)),
    ".ndjson": lambda name, file, *_: jsonl_rows(name, _content(file)),
    ".json-lines": lambda name, file, *_: jsonl_rows(name, _content(file)),
}
_OTHER_FORMATS: Final = {
    **dict.fromkeys((".xlsm", ".xltm", ".xlam"), Message("it is for workbooks with macros: save it as .xlsx")),
    **dict.fromkeys((".xls", ".xlsb", ".ods", ".et"), Message("save it as .xlsx")),
}
