"""The process that reads one workbook: `python -m indexer.workbook_child SHEETS`, the workbook on standard input.

A workbook is a stranger's file, and its reader foreign code that may fail without a word: so it runs by itself, with
limits on memory and time that it sets before the first byte, and says what it finds as JSON lines on standard output:
`{"sheet": name, "merges": [[top, left, bottom, right]]}`, `{"skipped": name}` of a hidden sheet,
`{"row": number, "cells": [...]}` of each row that is not blank, `{"too_long": number}`, and at the end `{"end": true}`
or `{"refused": problem, "fix": fix}`. What is said of a cell or the workbook is a message as `message_json` writes it.
SHEETS is a JSON list of names, empty for all that are not hidden.
"""

import json
import math
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO, Final

from python_calamine import CalamineSheet, CalamineWorkbook, SheetMetadata, SheetTypeEnum, SheetVisibleEnum

from indexer.complaint import either
from indexer.message_json import to_json
from indexer.row import MAX_ROW_BYTES
from indexer.workbook_archive import MAX_MEMORY_BYTES, MAX_SECONDS, SAVE_AGAIN, RefusedWorkbook, WorkbookArchive
from indexer.workbook_faults import Position, find_faults, sheet_parts
from models.message import Message

_MAX_MERGES: Final = 500_000

Line = dict[str, Any]


def main() -> None:
    """Read the workbook on standard input."""
    _limit_this_process()
    try:
        for line in read_workbook(sys.stdin.buffer, json.loads(sys.argv[1])):
            _say(line)
    except RefusedWorkbook as refusal:
        _refuse(refusal)
    except MemoryError:
        _say({"exhausted": True})
    except BaseException:  # noqa: BLE001 - a panic of the foreign code is no Exception
        _refuse(RefusedWorkbook(Message("cannot be read as an Excel workbook"), SAVE_AGAIN))
    sys.stdout.flush()


def read_workbook(file: BinaryIO, asked: Sequence[str]) -> Iterator[Line]:
    """Give the lines about a workbook, the last one included."""
    archive = WorkbookArchive.open(file)
    parts = sheet_parts(archive)
    file.seek(0)
    with CalamineWorkbook.from_filelike(file) as workbook:
        sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        _check_asked(asked, [sheet.name for sheet in sheets])
        for sheet in sheets:
            if _is_left_out(sheet, asked):
                if not asked:
                    yield {"skipped": sheet.name}
                continue
            if sheet.name not in parts:
                raise RefusedWorkbook(Message("has a sheet {sheet!r} that is nowhere", sheet=sheet.name), SAVE_AGAIN)
            faults = find_faults(archive, parts[sheet.name])
            yield from _read_sheet(workbook.get_sheet_by_name(sheet.name), faults)
    yield {"end": True}


def _limit_this_process() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(limit)
        allowed = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (allowed, allowed))
    signal.alarm(MAX_SECONDS)  # ends it even when the parent is gone


def _check_asked(asked: Sequence[str], names: Sequence[str]) -> None:
    unknown = [name for name in asked if name not in names]
    if unknown:
        problem = Message("has no sheet {names}", names=either(map(repr, unknown)))
        raise RefusedWorkbook(problem, Message("choose among {names}", names=", ".join(map(repr, names[:12]))))


def _is_left_out(sheet: SheetMetadata, asked: Sequence[str]) -> bool:
    return sheet.name not in asked if asked else sheet.visible != SheetVisibleEnum.Visible


def _read_sheet(sheet: CalamineSheet, faults: Mapping[Position, Message]) -> Iterator[Line]:
    ranges = sheet.merged_cell_ranges or []
    merges = [[top + 1, left, bottom + 1, right] for (top, left), (bottom, right) in ranges]
    if len(merges) > _MAX_MERGES:
        problem = Message("has {count:,} merged ranges in the sheet {sheet!r}", count=len(merges), sheet=sheet.name)
        raise RefusedWorkbook(problem, Message("take them apart: at most {most:,}", most=_MAX_MERGES))
    yield {"sheet": sheet.name, "merges": merges}
    faulty_rows: dict[int, dict[int, Message]] = {}
    for (number, column), fault in faults.items():
        faulty_rows.setdefault(number, {})[column] = fault
    start = sheet.start
    left = start[1] if start else 0
    number = 0
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        row = _row([None] * left + list(map(_plain, cells)), faulty_rows.pop(number, {}))
        if row:
            yield {"too_long": number} if _is_too_long(row) else {"row": number, "cells": row}
    # the last rows of a sheet may hold nothing that has a value
    for number, faulty in sorted(faulty_rows.items()):
        yield {"row": number, "cells": _row([], faulty)}


def _row(cells: list[Any], faults: Mapping[int, Message]) -> list[Any]:
    """Give the cells up to the last that is not blank, with their faults."""
    for column, fault in faults.items():
        cells += [None] * (column + 1 - len(cells))
        cells[column] = _fault(fault)
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _fault(message: Message) -> dict[str, Any]:
    return {"fault": to_json(message)}


def _plain(cell: object) -> str | float | int | bool | dict[str, Any] | None:
    """Give a cell as JSON: dates and times as ISO 8601, whole numbers without a point, None where it is blank."""
    match cell:
        case str():
            return cell if cell.strip() else None
        case bool():
            return cell
        case int():
            return cell
        case float():
            if not math.isfinite(cell):
                return _fault(Message("a number beyond all numbers"))
            return int(cell) if cell.is_integer() else cell
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            minutes, seconds = divmod(round(cell.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            return None


def _is_too_long(cells: Sequence[Any]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    characters = sum(map(len, texts))
    return characters > MAX_ROW_BYTES // 4 and sum(len(text.encode()) for text in texts) > MAX_ROW_BYTES


def _refuse(refusal: RefusedWorkbook) -> None:
    _say({"refused": to_json(refusal.problem), "fix": to_json(refusal.fix)})


def _say(line: Line) -> None:
    sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    main()
