import re

import pytest

from indexer.workbook_archive import RefusedWorkbook, WorkbookArchive
from indexer.workbook_faults import find_faults, sheet_parts

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def faults(edit_sheet, opened):
    return lambda rows: find_faults(WorkbookArchive.open(opened(edit_sheet(rows))), SHEET)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ('<c r="B3" t="e"><v>#REF!</v></c>', "the error #REF!"),
        ('<c r="B3" t="e"><f>A1/0</f><v>#DIV/0!</v></c>', "the error #DIV/0!"),
        ('<c r="B3" t="e"/>', "the error #?"),
        ('<c r="B3"><f>A1</f></c>', "a formula without a value"),
        ('<c r="B3"><f>A1</f><v/></c>', "a formula without a value"),
        ('<c r="B3"><f/><v> </v></c>', "a formula without a value"),
        ('<x:c xmlns:x="y" r="B3"><x:f>A1</x:f></x:c>', "a formula without a value"),
    ],
)
def test_a_fault_is_found_where_it_is(faults, cell, fault):
    assert faults(f'<row r="3">{cell}</row>') == {(3, 1): fault}


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="B3"><f>A1</f><v>0</v></c>',
        '<c r="B3" t="str"><f>""</f><v></v></c>',
        '<c r="B3" t="inlineStr"><is><t>#REF!</t></is></c>',
        '<c r="B3" t="b"><f>TRUE()</f><v>0</v></c>',
    ],
)
def test_a_formula_with_a_value_is_no_fault(faults, cell):
    assert faults(f'<row r="3">{cell}</row>') == {}


def test_cells_without_a_reference_stand_beside_one_another(faults):
    assert faults('<row><c/><c t="e"/></row><row r="9"><c r="AA9"/><c t="e"/></row>') == {
        (3, 1): "the error #?",
        (9, 27): "the error #?",
    }


@pytest.mark.parametrize("target", ["worksheets/sheet1.bin", ""])
def test_a_sheet_in_another_kind_of_part_is_refused(edit_workbook, opened, target):
    relations = {"xl/_rels/workbook.xml.rels": lambda xml: re.sub(rb"[\w/]*sheet1\.xml", target.encode(), xml)}
    path = edit_workbook(relations, {"xl/worksheets/sheet1.bin": b""})
    with pytest.raises(RefusedWorkbook, match="keeps a sheet in"):
        sheet_parts(WorkbookArchive.open(opened(path)))


def test_each_sheet_has_its_part(write_workbook, opened):
    path = write_workbook({"A & B": [["x"]], "第二": [["y"]]})
    assert {name: part.lstrip("/") for name, part in sheet_parts(WorkbookArchive.open(opened(path))).items()} == {
        "A & B": "xl/worksheets/sheet1.xml",
        "第二": "xl/worksheets/sheet2.xml",
    }


def test_two_sheets_of_one_name_are_refused(edit_workbook, opened):
    path = edit_workbook({"xl/workbook.xml": lambda xml: re.sub(rb"(<sheet [^>]*>)", rb"\1\1", xml)})
    with pytest.raises(RefusedWorkbook, match="has two sheets of one name"):
        sheet_parts(WorkbookArchive.open(opened(path)))


def test_a_workbook_without_the_list_of_its_parts_is_refused(edit_workbook, opened):
    path = edit_workbook({"xl/_rels/workbook.xml.rels": lambda _: None})
    with pytest.raises(RefusedWorkbook, match=r"lacks its part xl/_rels/workbook\.xml\.rels"):
        sheet_parts(WorkbookArchive.open(opened(path)))
