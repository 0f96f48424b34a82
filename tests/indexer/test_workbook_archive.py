import io
import struct
import zipfile

import pytest

from indexer.workbook_archive import RefusedWorkbook, WorkbookArchive

SHEET = "xl/worksheets/sheet1.xml"
WORKBOOK = "xl/workbook.xml"
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def refusal(file):
    with pytest.raises(RefusedWorkbook) as caught:
        WorkbookArchive.open(file)
    return caught.value.problem


def zip_of(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def test_a_workbook_is_opened_and_its_parts_are_read(good_workbook, opened):
    archive = WorkbookArchive.open(opened(good_workbook))
    with zipfile.ZipFile(good_workbook) as same:
        for part in same.namelist():
            assert b"".join(archive.chunks(part)) == b"".join(archive.chunks("/" + part.upper())) == same.read(part)


def test_a_part_that_is_not_there_is_refused(good_workbook, opened):
    with pytest.raises(RefusedWorkbook, match=r"lacks its part xl/nowhere\.xml"):
        WorkbookArchive.open(opened(good_workbook)).chunks("xl/nowhere.xml")


def test_a_zip_bomb_that_says_so_is_refused_before_it_is_unpacked():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WORKBOOK, b"<x/>")
        with archive.open("xl/media/bomb", "w") as part:
            for _ in range(600):
                part.write(bytes(1_000_000))
    assert refusal(file).startswith("unpacks to 600 MB, 1,02")


def test_an_archive_of_a_hundred_megabytes_must_not_be_packed_too_well():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WORKBOOK, b"<x/>")
        with archive.open(SHEET, "w") as part:
            for _ in range(120):
                part.write(bytes(1_000_000))
    assert refusal(file).startswith("unpacks to 120 MB, 1,0")


@pytest.mark.parametrize("declared", [0, 1_000, 2**31])
def test_a_zip_bomb_that_hides_its_size_is_refused(edit_workbook, declared):
    path = edit_workbook({SHEET: lambda xml: xml + b" " * 30_000_000})
    with zipfile.ZipFile(path) as archive:
        size = struct.pack("<L", archive.getinfo(SHEET).file_size)
    content = path.read_bytes()
    assert content.count(size) == 2  # beside the part, and in the directory
    problem = refusal(io.BytesIO(content.replace(size, struct.pack("<L", declared))))
    assert problem.startswith(("is a damaged zip archive", "unpacks to 2,147 MB"))


def test_an_archive_of_very_many_parts_is_refused(edit_workbook, opened):
    path = edit_workbook(added={f"xl/x/{number}": b"" for number in range(10_001)})
    assert refusal(opened(path)).endswith("parts, which no workbook has")


def test_two_parts_of_one_name_are_refused(edit_workbook, opened):
    assert refusal(opened(edit_workbook(added={SHEET.upper(): b"<x/>"}))).startswith("is a damaged zip archive")


@pytest.mark.parametrize(
    "part", ["xl/vbaProject.bin", "xl/VBAPROJECT.BIN", "xl\\vbaProject.bin", "xl/macrosheets/sheet1.xml"]
)
def test_macros_are_refused(edit_workbook, opened, part):
    assert refusal(opened(edit_workbook(added={part: b"x"}))) == "holds macros"


@pytest.mark.parametrize("part", [SHEET, WORKBOOK, "xl/styles.xml", "xl/_rels/workbook.xml.rels"])
def test_xml_that_declares_entities_is_refused(edit_workbook, opened, part):
    assert refusal(opened(edit_workbook({part: lambda xml: DOCTYPE + xml}))) == f"declares XML entities in {part}"


def test_entities_are_seen_in_every_encoding_of_xml(edit_workbook, opened):
    path = edit_workbook({SHEET: lambda xml: (DOCTYPE + xml).decode().encode("utf-16")})
    assert refusal(opened(path)) == f"declares XML entities in {SHEET}"


@pytest.mark.parametrize("xml", [b"", b"<a>", b"<a></b>", b"<a>&nbsp;</a>", b"<a/><b/>", b"<a>\0</a>"])
def test_xml_that_is_not_whole_is_refused(edit_workbook, opened, xml):
    assert refusal(opened(edit_workbook({SHEET: lambda _: xml}))) == f"holds in {SHEET} what is no XML"


def test_entities_are_seen_across_the_pieces_a_part_is_read_in(edit_workbook, opened):
    for place in range((1 << 20) - 9, (1 << 20) + 2):
        path = edit_workbook({SHEET: lambda xml, place=place: b"<!--" + b" " * place + b"-->" + DOCTYPE + xml})
        assert refusal(opened(path)).startswith("declares XML entities")


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"a.txt": "x"}, "is a zip archive but no Excel workbook"),
        ({}, "is a zip archive but no Excel workbook"),
        ({"xl/workbook.bin": "x"}, "is a binary workbook (.xlsb)"),
    ],
)
def test_another_archive_is_refused(parts, problem):
    assert refusal(zip_of(**parts)) == problem


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK" + bytes(1_000), b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_archive_is_refused(content):
    assert refusal(io.BytesIO(content)).startswith("is a damaged zip archive")


def test_an_encrypted_part_is_refused(good_workbook):
    content = bytearray(good_workbook.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1
    assert refusal(io.BytesIO(bytes(content))) in ("is protected by a password", "is a damaged zip archive")


def test_an_archive_cut_short_is_refused_wherever_it_is_cut(good_workbook):
    content = good_workbook.read_bytes()
    for end in range(0, len(content), 97):
        assert refusal(io.BytesIO(content[:end])).startswith("is a damaged zip archive")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("<c><v>1</v></c>", False),
        ("<c><f>A1</f><v>1</v></c>", True),
        ("<c><f/></c>", True),
        ("<x:c><x:f t='shared'>A1</x:f></x:c>", True),
        ('<c t="e"><v>#REF!</v></c>', True),
        ("<c r='A3'\nt = 'e'><v>#REF!</v></c>", True),
        ("<c><is><t>&lt;f&gt;</t></is></c>", False),
    ],
)
def test_a_sheet_that_may_hold_faults_is_told(edit_sheet, opened, cell, expected):
    archive = WorkbookArchive.open(opened(edit_sheet(f"<row>{cell}</row>")))
    assert archive.may_hold_faults(SHEET) is expected
