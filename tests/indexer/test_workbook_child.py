"""What the child process says of a workbook, called in this process: its limits are tested from outside."""

from datetime import date, datetime, time, timedelta

import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from indexer.workbook_archive import RefusedWorkbook
from indexer.workbook_child import read_workbook


@pytest.fixture
def read(opened):
    return lambda path, *asked: list(read_workbook(opened(path), asked))


def fault(template, **values):
    return {"fault": {"template": template, "values": values}}


def rows_of(messages):
    return {message["row"]: message["cells"] for message in messages if "row" in message}


def test_a_workbook_is_told_sheet_by_sheet_and_row_by_row(read, write_workbook):
    assert read(write_workbook({"A": [["q", "a"], [], ["x", None, "y", None]], "B": [], "C": [["z"]]})) == [
        {"sheet": "A", "merges": []},
        {"row": 1, "cells": ["q", "a"]},
        {"row": 3, "cells": ["x", None, "y"]},
        {"sheet": "B", "merges": []},
        {"sheet": "C", "merges": []},
        {"row": 1, "cells": ["z"]},
        {"end": True},
    ]


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("text", "text"),
        ("  padded \n", "  padded \n"),
        ("line\nbreak", "line\nbreak"),
        (" \n", None),
        (CellRichText("rich ", TextBlock(InlineFont(b=True), "bold")), "rich bold"),
        (123, 123),
        (123.0, 123),
        (1e15, 1_000_000_000_000_000),
        (0.1, 0.1),
        (-3, -3),
        (True, True),
        (False, False),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime.fromisoformat("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=30), "30:00:00"),
    ],
)
def test_a_cell_is_told_as_json(read, write_workbook, cell, told):
    path = write_workbook({"A": [["before", cell, "behind"]]})
    ((_, found, _),) = rows_of(read(path)).values()
    assert found == told
    assert type(found) is type(told)


def test_rows_and_columns_have_their_place_wherever_the_table_begins(read, write_workbook):
    def shift(workbook):
        workbook["A"].move_range("A1:B2", rows=4, cols=3)

    path = write_workbook({"A": [["q", "a"], ["x", "y"]]}, change=shift)
    assert rows_of(read(path)) == {5: [None, None, None, "q", "a"], 6: [None, None, None, "x", "y"]}


def test_merges_are_told_as_excel_numbers_rows(read, write_workbook):
    def merge(workbook):
        workbook["A"].merge_cells("B2:B4")
        workbook["A"].merge_cells("C1:E1")

    messages = read(write_workbook({"A": [["a", "b", "c"]]}, change=merge))
    assert sorted(messages[0]["merges"]) == [[1, 2, 1, 4], [2, 1, 4, 1]]


def test_errors_and_formulas_without_a_value_are_told_in_their_cell(read, write_workbook, edit_sheet):
    def break_a_cell(workbook):
        workbook["A"]["B2"].data_type = "e"

    path = write_workbook({"A": [["q", "=A1"], ["x", "#REF!"]]}, change=break_a_cell)
    assert rows_of(read(path)) == {
        1: ["q", fault("a formula without a value")],
        2: ["x", fault("the error {code}", code="#REF!")],
    }
    assert rows_of(read(edit_sheet('<row r="9"><c r="C9" t="e"><v>#N/A</v></c></row>')))[9] == [
        None,
        None,
        fault("the error {code}", code="#N/A"),
    ]


def test_a_formula_gives_the_value_that_excel_has_kept(read, edit_sheet):
    path = edit_sheet('<row r="3"><c r="A3" t="str"><f>1&amp;2</f><v>12</v></c><c r="B3"><f>1+1</f><v>2</v></c></row>')
    assert rows_of(read(path))[3] == ["12", 2]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_skipped_unless_it_is_asked_for(read, write_workbook, state):
    def hide(workbook):
        workbook["B"].sheet_state = state

    path = write_workbook({"A": [["x"]], "B": [["y"]]}, change=hide)
    assert {"skipped": "B"} in read(path)
    assert rows_of(read(path, "B")) == {1: ["y"]}


def test_sheets_are_read_that_are_asked_for(read, write_workbook):
    messages = read(write_workbook({"A": [["x"]], "B": [["y"]], "C": [["z"]]}), "C", "A")
    assert [message["sheet"] for message in messages if "sheet" in message] == ["A", "C"]
    assert not any("skipped" in message for message in messages)


def test_a_sheet_that_is_not_there_is_refused(read, write_workbook):
    with pytest.raises(RefusedWorkbook, match="has no sheet 'X' or 'Y'") as caught:
        read(write_workbook({"A": [["x"]], "B": []}), "A", "X", "Y")
    assert caught.value.fix == "choose among 'A', 'B'"


def test_a_chart_is_no_sheet(read, write_workbook):
    path = write_workbook({"A": [["x"]]}, change=lambda workbook: workbook.create_chartsheet("Chart"))
    assert rows_of(read(path)) == {1: ["x"]}


@pytest.mark.parametrize("cell", ["x" * 10_000_001, "问" * 3_400_000], ids=["ascii", "chinese"])
def test_a_row_of_more_than_ten_megabytes_is_told_as_too_long(read, edit_sheet, cell):
    path = edit_sheet(
        f'<row r="3"><c r="A3" t="inlineStr"><is><t>{cell}</t></is></c></row><row r="4"><c><v>1</v></c></row>'
    )
    assert read(path)[3:5] == [{"too_long": 3}, {"row": 4, "cells": [1]}]


def test_a_number_beyond_all_numbers_is_a_fault(read, edit_sheet):
    assert rows_of(read(edit_sheet('<row r="3"><c r="A3"><v>1e999</v></c></row>')))[3] == [
        fault("a number beyond all numbers")
    ]
