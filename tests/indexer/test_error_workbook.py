import json
import math

import pytest
from openpyxl import load_workbook

from indexer.entries import read_entries
from indexer.error_workbook import write_error_workbook
from indexer.errors import InputError
from indexer.marked_rows import mark_rows
from indexer.row import Unreadable
from indexer.sheets import gather_sheets

FAQ = [["question", "answer"], ["How?", "So."], ["Why?", None]]


@pytest.fixture
def write(tmp_path):
    """Give the path of the workbook made of a file."""

    def write(path, **options):
        with (tmp_path / "out.xlsx").open("wb") as stream:
            write_error_workbook("out.xlsx", stream, mark_rows(read_entries(path, **options), str))
        return tmp_path / "out.xlsx"

    return write


@pytest.fixture
def jsonl(tmp_path):
    def jsonl(*rows):
        (tmp_path / "faq.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return tmp_path / "faq.jsonl"

    return jsonl


def colours(row):
    return [cell.fill.start_color.rgb[2:] if cell.fill.fill_type else None for cell in row]


def test_rejected_rows_are_coloured_and_the_cell_at_fault_most(write, write_workbook):
    sheet = load_workbook(write(write_workbook({"A": FAQ}))).active
    header, good, bad = sheet.iter_rows()
    assert colours(good) == [None, None, None]
    assert colours(bad) == ["FFF2CC", "F8CBAD", "F8CBAD"]
    assert bad[2].value == "row 3, column answer: is empty: write an answer, or index with --allow-empty-answer"
    assert all(cell.font.bold for cell in header)


def test_the_sheet_can_be_filtered_by_what_is_wrong_and_its_header_stays_in_sight(write, write_workbook):
    sheet = load_workbook(write(write_workbook({"A": [["Title"], *FAQ]}))).active
    assert sheet.auto_filter.ref == "A2:C4"
    assert sheet.freeze_panes == "A3"
    widths = [sheet.column_dimensions[letter].width for letter in "ABC"]
    assert widths == [44, 60, 60]


def test_several_complaints_stand_in_lines_of_one_cell(write, write_workbook):
    sheet = load_workbook(write(write_workbook({"A": [["question", "answer", "n"], [None, None, "x"]]}))).active
    assert [line.partition(":")[0] for line in sheet["D2"].value.split("\n")] == [
        "row 2, column question",
        "row 2, column answer",
    ]


@pytest.mark.parametrize("text", ["=1+1", "=", "#N/A", "#REF!", "007", "1e3", "TRUE", "2026-01-01", "+1", "@x"])
@pytest.mark.parametrize("answer", ["So.", None])
def test_a_text_stays_a_text_in_good_rows_and_in_rejected_ones(write, jsonl, text, answer):
    cell = load_workbook(write(jsonl({"question": text, "answer": answer}))).active["A2"]
    assert (cell.value, cell.data_type) == (text, "s")


@pytest.mark.parametrize("number", [7, 0.1 + 0.2, 2**53 - 1, -3.5, 1e300, True])
@pytest.mark.parametrize("answer", ["So.", None])
def test_a_number_stays_the_same_number(write, jsonl, number, answer):
    path = write(jsonl({"question": "q", "answer": answer, "n": number}))
    (row,) = gather_sheets(path, {}, ()).sheets[0].rows
    assert (row.cells["n"], type(row.cells["n"])) == (number, type(number)) or row.cells["n"] == math.trunc(number)


@pytest.mark.parametrize("number", [2**53 + 1, 10**400])
def test_a_number_that_excel_would_round_comes_as_text(write, jsonl, number):
    cell = load_workbook(write(jsonl({"question": "q", "answer": "1", "n": number}))).active["C2"]
    assert (cell.value, cell.data_type) == (str(number), "s")


def test_a_cell_that_could_not_be_read_is_refused_again(write, write_workbook):
    path = write(write_workbook({"A": [["question", "answer", "tags"], ["a", "1", "=B9"]]}))
    assert load_workbook(path).active["C2"].data_type == "e"
    assert isinstance(gather_sheets(path, {}, ()).sheets[0].rows[0].cells["tags"], Unreadable)
    assert [complaint.column for complaint in read_entries(path).complaints] == ["tags"]


def test_dates_come_as_they_are_read_and_are_read_as_before(write, write_workbook):
    from datetime import date, datetime

    header = ["question", "answer", "valid_from", "note"]
    path = write_workbook({"A": [header, ["a", "1", date(2026, 1, 31), datetime(2026, 1, 31, 8, 30)]]})  # noqa: DTZ001
    assert read_entries(write(path)).entries == read_entries(path).entries


def test_every_sheet_that_was_read_comes_back_under_its_name(write, write_workbook):
    legend = [["Colour"], ["red"]]
    path = write_workbook({"账号": FAQ, "Legend": legend, "Money": [["标准问", "答案"], ["多少钱？", "十元。"]]})
    out = write(path)
    workbook = load_workbook(out)
    assert workbook.sheetnames == ["账号", "Money"]
    assert [sheet["C1"].value for sheet in workbook] == ["what is wrong and what to do", "错误原因及处理办法"]
    assert read_entries(out).entries == read_entries(path).entries
    assert [entry.tags for entry in read_entries(out).entries] == [("账号",), ("Money",)]


def test_what_is_about_no_row_stands_in_a_first_sheet_that_is_not_read(write, write_workbook):
    path = write(write_workbook({"A": FAQ, "B": [["question", "text"], ["a", "1"]]}))
    workbook = load_workbook(path)
    assert workbook.sheetnames == ["Correct this first", "A", "B"]
    (line,) = (row[0] for row in workbook.worksheets[0].values)
    assert line.startswith("# faq.xlsx, sheet B: has no answer column among ")
    workbook["A"]["B3"] = "For."
    workbook["B"]["B1"] = "answer"
    workbook.save(path)
    reading = read_entries(path).require_clean()
    assert (len(reading.entries), reading.notices) == (3, ())
    assert [entry.tags for entry in reading.entries] == [("A",), ("A",), ("B",)]


def test_the_first_sheet_is_chinese_where_the_columns_are(write, write_workbook):
    path = write(write_workbook({"A": [["标准问", "回复"], ["a", "1"]]}))
    assert load_workbook(path).sheetnames == ["请先改正", "A"]


@pytest.mark.parametrize(("rows", "title"), [({"question": "a"}, "FAQ"), ({"问题": "a"}, "问答")])
def test_a_file_without_sheets_becomes_a_sheet_with_a_name(write, jsonl, rows, title):
    assert load_workbook(write(jsonl({**rows, "answer": "1"}), allow_empty_answer=True)).sheetnames == [title]


@pytest.mark.parametrize("cell", ["x" * 32_768, "𝄞" * 16_384, "\x0b" * 5_000])
def test_a_text_that_excel_would_cut_is_refused(write, jsonl, cell):
    with pytest.raises(
        InputError, match=r"in row 1, column 'answer', Excel takes 32,767: give a file that ends in \.csv"
    ):
        write(jsonl({"question": "q", "answer": cell}))


@pytest.mark.parametrize("cell", ["x" * 32_767, "𝄞" * 16_383])
def test_a_text_that_excel_just_takes_comes_back_whole(write, jsonl, cell):
    assert (
        gather_sheets(write(jsonl({"question": "q", "answer": cell})), {}, ()).sheets[0].rows[0].cells["answer"] == cell
    )


def test_more_columns_than_excel_has_are_refused(write, jsonl):
    with pytest.raises(InputError, match="has 16,385 columns, Excel takes 16,384"):
        write(jsonl({"question": "q", "answer": "1", **{f"n{n}": 1 for n in range(16_382)}}))


def test_a_row_beyond_the_last_of_excel_is_refused(write, tmp_path):
    (tmp_path / "faq.csv").write_text("question,answer\n" + "\n" * 1_048_575 + "a,1\n")
    with pytest.raises(InputError, match="has a row 1,048,577, Excel takes 1,048,576"):
        write(tmp_path / "faq.csv")


def test_half_a_character_is_shown_escaped(write, jsonl):
    assert load_workbook(write(jsonl({"question": "a\ud800", "answer": "1"}))).active["A2"].value == "a\\ud800"
