import csv

import pytest

from indexer.entries import read_entries
from indexer.error_csv import write_error_csv
from indexer.errors import InputError
from indexer.marked_rows import mark_rows


@pytest.fixture
def write(tmp_path):
    """Give the bytes of the CSV file made of a file."""

    def write(path):
        with (tmp_path / "out.csv").open("wb") as stream:
            write_error_csv("out.csv", stream, mark_rows(read_entries(path), str))
        return (tmp_path / "out.csv").read_bytes()

    return write


@pytest.fixture
def csv_file(tmp_path):
    def csv_file(content, name="faq.csv"):
        (tmp_path / name).write_bytes(content.encode())
        return tmp_path / name

    return csv_file


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1"])
def test_a_cell_that_excel_takes_for_a_formula_is_written_to_the_letter(write, csv_file, cell):
    content = write(csv_file(f'question,answer\n"{cell}",So.\n'))
    assert (
        next(row for row in csv.DictReader(content.decode("utf-8-sig").splitlines(keepends=True)))["question"] == cell
    )


def test_a_blank_line_holds_the_place_of_what_was_not_read(write, csv_file):
    content = write(csv_file("A title\n\nquestion,answer\na,1\n\n\nb,2\n"))
    lines = content.decode("utf-8-sig").split("\r\n")
    assert lines[:3] == ["", "", "question,answer,what is wrong and what to do"]
    assert lines[3:] == ["a,1,", "", "", "b,2,", ""]


def test_rows_of_jsonl_follow_one_another_below_the_header(write, csv_file):
    content = write(csv_file('{"question": "a", "answer": "1"}\n{"question": "b", "answer": "2"}\n', "faq.jsonl"))
    assert content.decode("utf-8-sig").splitlines()[1:] == ["a,1,", "b,2,"]


def test_half_a_character_is_shown_escaped(write, csv_file):
    content = write(csv_file('{"question": "a\\ud800", "answer": "1"}\n', "faq.jsonl"))
    assert content.decode("utf-8-sig").splitlines()[1].startswith("a\\ud800,1,")


def test_numbers_switches_and_unreadable_cells_of_a_workbook_are_what_the_reader_takes_them_for(write, write_workbook):
    path = write_workbook(
        {"A": [["question", "answer", "enabled", "n", "x"], ["a", "1", True, 7, 0.1], ["b", "2", False, "=A1", None]]}
    )
    lines = write(path).decode("utf-8-sig").splitlines()
    assert lines[1] == "a,1,True,7,0.1,"
    assert lines[2].startswith('b,2,False,,,"row 3, column n: is a formula without a value')


def test_several_sheets_are_refused(write, write_workbook):
    faq = [["question", "answer"], ["a", "1"]]
    with pytest.raises(InputError) as caught:
        write(write_workbook({"A": faq, "B": faq}))
    said = "out.csv: is a .csv file, which cannot hold 2 sheets: give a file that ends in .xlsx"
    assert str(caught.value) == said
