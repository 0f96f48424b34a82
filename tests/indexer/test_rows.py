import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.complaint import Complaint
from indexer.errors import InputError
from indexer.rows import Row, read_rows

FILE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@pytest.fixture
def read(tmp_path):
    def read(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_rows(path))

    return read


def row(number, **cells):
    return Row(number=number, cells=cells)


def complaint_of(rows):
    (complaint,) = (row for row in rows if isinstance(row, Complaint))
    return complaint


def numbers(rows):
    return [row.number for row in rows if isinstance(row, Row)]


# CSV


def test_a_csv_file_gives_a_row_for_every_line_below_its_header(read):
    assert read("a.csv", "q,a\n1,2\n3,4\n") == [row(2, q="1", a="2"), row(3, q="3", a="4")]


def test_a_blank_csv_cell_is_absent_and_a_short_row_is_filled_up(read):
    assert read("a.csv", "q,a,n\n1, \n") == [row(2, q="1", a=None, n=None)]


def test_a_csv_row_is_numbered_by_the_line_where_it_starts(read):
    rows = read("a.csv", 'q,a\n\n"one\ntwo","x\r\ny"\n,\nlast,z\n')
    assert rows == [row(3, q="one\ntwo", a="x\r\ny"), row(7, q="last", a="z")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_of_the_three_ways(read, end):
    assert read("a.csv", end.join(["q", "1", "2"])) == [row(2, q="1"), row(3, q="2")]
    assert read("a.jsonl", end.join(['{"q": 1}', "", '{"q": 2}'])) == [row(1, q=1), row(3, q=2)]


def test_a_line_separator_inside_a_text_ends_no_line(read):
    assert read("a.csv", "q\na\u2028b\x0bc\n") == [row(2, q="a\u2028b\x0bc")]
    assert read("a.jsonl", '{"q": "a\u2028b\u0085c"}') == [row(1, q="a\u2028b\u0085c")]


def test_a_byte_order_mark_is_no_part_of_the_first_column(read):
    assert read("a.csv", b"\xef\xbb\xbfq\n1\n") == [row(2, q="1")]
    assert read("a.jsonl", b'\xef\xbb\xbf{"q": 1}\n') == [row(1, q=1)]


@pytest.mark.parametrize("line", ["1,2,3", "1,2,"])
def test_a_csv_row_with_more_cells_than_the_header_is_a_complaint_and_the_others_are_read(read, line):
    rows = read("a.csv", f"q,a\n{line}\n3,4\n")
    assert str(rows[0]) == 'a.csv, row 2: has 3 cells, the header has 2: put a cell that holds a comma in "quotes"'
    assert rows[1:] == [row(3, q="3", a="4")]


def test_an_unclosed_quote_is_a_complaint_at_the_line_where_its_row_starts(read):
    rows = read("a.csv", 'q,a\n1,2\n3,"4\n5,6\n')
    assert rows[0] == row(2, q="1", a="2")
    assert complaint_of(rows).row == 3
    assert "opens a quote that never closes" in str(rows[1])


def test_text_behind_a_closing_quote_is_a_complaint_and_the_others_are_read(read):
    rows = read("a.csv", 'q,a\n"one"x,2\n3,4\n')
    assert complaint_of(rows).row == 2
    assert numbers(rows) == [3]


def test_a_column_that_is_named_twice_is_a_complaint(read):
    assert str(complaint_of(read("a.csv", "q,a, q\n1,2,3\n"))) == (
        "a.csv, row 1: names the column 'q' twice: rename one of the two"
    )


def test_a_column_without_a_name_may_only_be_empty(read):
    rows = read("a.csv", "q,,\n1,,\n2,x,\n")
    assert rows[0] == row(2, q="1")
    assert (
        str(rows[1]) == "a.csv, row 3: has 'x' in cell 2, a column without a name: name the column, or clear the cell"
    )


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_file_with_another_separator_is_told_apart(read, separator):
    rows = read("a.csv", f"q{separator}a\n1{separator}2\n")
    assert "save the file with commas" in str(complaint_of(rows))


def test_a_csv_cell_may_be_longer_than_the_csv_module_allows_by_itself(read):
    long = "x" * 300_000
    assert read("a.csv", f"q\n{long}\n") == [row(2, q=long)]


def test_a_nul_character_in_a_csv_file_is_left_for_the_cells_to_judge(read):
    assert read("a.csv", "q\na\0b\n") == [row(2, q="a\0b")]


@settings(deadline=None)
@given(st.lists(st.lists(FILE_TEXT, min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, table):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["q", "a"], ["x", "y"], *table])
    path = tmp_path_factory.getbasetemp() / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    expected = [[cell if cell.strip() else None for cell in cells] for cells in [["x", "y"], *table]]
    assert [list(row.cells.values()) for row in read_rows(path)] == [cells for cells in expected if any(cells)]


# JSONL


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json-lines", "A.JSONL"])
def test_a_jsonl_file_gives_a_row_for_every_object(read, name):
    assert read(name, '{"q": "1", "n": [1, null]}\n \n{"q": true}\n') == [row(1, q="1", n=[1, None]), row(3, q=True)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"q": "1"', "is not JSON (Expecting ',' delimiter, at character"),
        ('{"q": "a\tb"}', "is not JSON (Invalid control character"),
        ("[1]", "is JSON but no object"),
        ("null", "is JSON but no object"),
        ('{"q": 1, "q": 2}', "the key 'q' stands twice"),
        ('{"n": {"x": 1, "x": 2}}', "the key 'x' stands twice"),
        ('{"q": NaN}', "NaN is no JSON number"),
        ('{"q": -Infinity}', "-Infinity is no JSON number"),
        ('{"q": ' + "9" * 5000 + "}", "is not plain JSON"),
        ('{"q": ' + "[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_broken_line_is_a_complaint_and_the_others_are_read(read, line, problem):
    rows = read("a.jsonl", f'{{"q": 0}}\n{line}\n{{"q": 3}}\n')
    assert numbers(rows) == [1, 3]
    assert complaint_of(rows).row == 2
    assert problem in complaint_of(rows).problem


@settings(deadline=None)
@given(st.lists(st.dictionaries(WORDS, FILE_TEXT | st.lists(FILE_TEXT, max_size=2)), min_size=1), st.booleans())
def test_what_the_json_module_writes_is_read_back(tmp_path_factory, objects, ascii_only):
    path = tmp_path_factory.getbasetemp() / "a.jsonl"
    lines = [json.dumps(cells, ensure_ascii=ascii_only) for cells in objects]
    path.write_bytes("\n".join(lines).encode())
    assert list(read_rows(path)) == [Row(number=i, cells=cells) for i, cells in enumerate(objects, start=1)]


# Files as a whole


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_another_encoding_is_one_complaint_with_line_and_offset(read, name):
    rows = read(name, b"one\r\ntwo\n" + "问".encode("gbk"))
    assert str(complaint_of(rows)) == (
        f"{name}, row 3: is not UTF-8 (byte 0xce at offset 9 of the file): "
        'save the file as UTF-8 (in Excel: "CSV UTF-8")'
    )


def test_utf_16_is_another_encoding_too(read):
    assert "is not UTF-8 (byte 0xff at offset 0" in str(complaint_of(read("a.csv", "q,a\n".encode("utf-16"))))


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_empty_file_is_an_error(read, name, content):
    with pytest.raises(InputError, match=f"{name}: holds no rows: write one JSON object a line, or a CSV header"):
        read(name, content)


def test_a_header_without_rows_is_an_error(read):
    with pytest.raises(InputError, match="holds no rows"):
        read("a.csv", "question,answer\n")


def test_another_suffix_is_an_error_that_names_those_that_can_be_read(read):
    with pytest.raises(InputError) as caught:
        read("faq.txt", "q,a\n1,2\n")
    assert "has the unknown suffix '.txt': give a file that ends in .csv, .jsonl, .ndjson, .json-lines" in str(
        caught.value
    )


def test_a_missing_file_is_an_error_that_names_its_path(tmp_path):
    with pytest.raises(InputError) as caught:
        next(read_rows(tmp_path / "faq.csv"))
    assert str(caught.value) == f"{tmp_path}/faq.csv: does not exist: give the path of a readable file"


def test_a_folder_is_an_error(tmp_path):
    (tmp_path / "faq.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        next(read_rows(tmp_path / "faq.csv"))


def test_a_file_that_the_system_cannot_open_is_an_error(tmp_path):
    loop = tmp_path / "faq.csv"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match="cannot be read"):
        next(read_rows(loop))
