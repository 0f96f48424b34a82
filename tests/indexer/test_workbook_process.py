import re
import secrets
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from indexer.workbook_archive import RefusedWorkbook
from indexer.workbook_process import workbook_messages

SHEET = "xl/worksheets/sheet1.xml"
REPOSITORY = Path(__file__).parents[2]


def messages(path, *sheets, **options):
    with path.open("rb") as file:
        return list(workbook_messages(file, sheets, **options))


def refusal(path, **options):
    with pytest.raises(RefusedWorkbook) as caught:
        messages(path, **options)
    return caught.value.problem


def children():
    """The reading processes of this one; other tests may leave children of another kind, such as spawn's tracker."""
    return [child for child in psutil.Process().children() if "indexer.workbook_child" in child.cmdline()]


def write_sheet(path, good_workbook, rows):
    """Write the good workbook with a sheet of other rows, given as XML."""
    with (
        zipfile.ZipFile(good_workbook) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for part in old.namelist():
            if part != SHEET:
                new.writestr(part, old.read(part))
        before, behind = re.split(rb"<row.*</row>", old.read(SHEET))
        with new.open(SHEET, "w") as sheet:
            sheet.write(before)
            for row in rows:
                sheet.write(row)
            sheet.write(behind)
    return path


@pytest.fixture
def large_workbook(good_workbook, tmp_path) -> Path:
    """A workbook of 420 MB of XML, in rows that are each too long."""
    row = b'<row><c t="inlineStr"><is><t>' + secrets.token_hex(60).encode() * 100_000 + b"</t></is></c></row>"
    return write_sheet(tmp_path / "large.xlsx", good_workbook, [row] * 35)


@pytest.fixture
def overlarge_workbook(good_workbook, tmp_path) -> Path:
    """A workbook of 16,000,000 small cells, 340 MB of XML."""
    row = b"<row>" + b"".join(b"<c><v>%d</v></c>" % number for number in range(1_000, 9_000)) + b"</row>"
    return write_sheet(tmp_path / "overlarge.xlsx", good_workbook, [row] * 2_000)


def test_the_messages_of_the_child_come_back(good_workbook):
    assert messages(good_workbook) == [
        {"sheet": "FAQ", "merges": []},
        {"row": 1, "cells": ["question", "answer"]},
        {"row": 2, "cells": ["How?", "So."]},
    ]
    assert children() == []


def test_a_sheet_is_asked_for_by_any_name(write_workbook):
    path = write_workbook({"--x 问 'y'": [["a"]], "B": [["b"]]})
    assert messages(path, "--x 问 'y'")[1:] == [{"row": 1, "cells": ["a"]}]


def test_a_refusal_of_the_child_comes_back(edit_workbook):
    assert refusal(edit_workbook(added={"xl/vbaProject.bin": b""})) == "holds macros"
    assert children() == []


def test_a_refusal_of_the_child_is_said_in_another_language(good_workbook):
    chinese = {"has no sheet {names}": "没有工作表 {names}", "choose among {names}": "可选：{names}", " or ": " 或 "}
    with pytest.raises(RefusedWorkbook) as caught:
        messages(good_workbook, "{x}", "问\udcff")
    assert caught.value.problem == r"has no sheet '{x}' or '问\udcff'"
    assert caught.value.problem.translated(lambda t: chinese.get(t, t)) == r"没有工作表 '{x}' 或 '问\udcff'"
    assert caught.value.fix.translated(lambda t: chinese.get(t, t)) == "可选：'FAQ'"


def test_a_sheet_that_is_no_xml_is_refused(edit_workbook):
    path = edit_workbook({SHEET: lambda xml: xml.replace(b"<row", b"<row<", 1)})
    assert refusal(path) == f"holds in {SHEET} what is no XML"


def test_what_ends_the_foreign_reader_is_refused(edit_workbook):
    path = edit_workbook({SHEET: lambda xml: re.sub(rb'r="A1"', b'r="ZZZZZZZZ99999999999"', xml)})
    assert refusal(path) == "cannot be read as an Excel workbook"


def test_a_child_that_takes_too_long_is_ended(large_workbook):
    assert refusal(large_workbook, seconds=0.5) == "takes more than 60 seconds to read"
    assert children() == []


@pytest.mark.parametrize("cell", ["XFD1048576", "XFD50000"])
def test_a_cell_in_a_far_corner_takes_too_much_memory(edit_sheet, cell):
    row = cell.removeprefix("XFD")
    path = edit_sheet(f'<row r="{row}"><c r="{cell}"><v>1</v></c></row>')
    assert refusal(path) == "takes more than 900 MB of memory to read"


MEASURED = """
import pathlib, re, resource, sys
from indexer.workbook_archive import RefusedWorkbook
from indexer.workbook_process import workbook_messages
try:
    print(sum(1 for _ in workbook_messages(pathlib.Path(sys.argv[1]).open("rb"), ())), "messages")
except RefusedWorkbook as refusal:
    print(refusal.problem)
# of this process since its start; ru_maxrss would also count what started it
print(int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1000)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)
"""


def measured(path):
    """Read a workbook; give the outcome, and the most memory that the parent and the child took, in MB."""
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], cwd=REPOSITORY, capture_output=True, text=True, timeout=80
    )
    outcome, parent, child = ran.stdout.splitlines()
    return outcome, int(parent), int(child)


def test_a_child_stays_below_a_gigabyte_and_its_parent_small(large_workbook):
    outcome, parent_mb, child_mb = measured(large_workbook)
    assert outcome in ("36 messages", "takes more than 900 MB of memory to read")
    assert parent_mb < 100
    assert 200 < child_mb < 1_000


@pytest.mark.long
def test_a_child_that_takes_a_gigabyte_is_ended(overlarge_workbook):
    outcome, parent_mb, child_mb = measured(overlarge_workbook)
    assert outcome == "takes more than 900 MB of memory to read"
    assert parent_mb < 100
    assert 500 < child_mb < 1_000


def test_the_child_is_ended_with_the_iterator(write_workbook):
    path = write_workbook({"A": [["x" * 100] * 10] * 5_000})
    with path.open("rb") as file:
        source = workbook_messages(file, ())
        next(source)
        assert len(children()) == 1
        source.close()
    assert children() == []


def test_the_child_is_told_no_secrets_and_finds_the_modules_of_its_parent(good_workbook, monkeypatch, tmp_path):
    monkeypatch.setenv("FAQMATCH_API_KEYS", "query:secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with good_workbook.open("rb") as file:
        source = workbook_messages(file, ())
        next(source)
        (child,) = children()
        environment = child.environ()
        source.close()
    assert not any(name.startswith("FAQMATCH_") for name in environment)
    assert str(REPOSITORY) in environment["PYTHONPATH"].split(":")
