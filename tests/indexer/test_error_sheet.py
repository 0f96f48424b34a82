import csv
import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from indexer.columns import ERROR_COLUMNS
from indexer.entries import read_entries
from indexer.error_sheet import check_error_sheet, write_error_sheet
from indexer.errors import InputError
from indexer.sheets import gather_sheets

REPOSITORY = Path(__file__).parents[2]
ERRORS = ERROR_COLUMNS["en"]
BAD = "id,question,answer\na,How?,\nb,Why?,For.\n"


def rows_of(path):
    """Give the rows of a file as they are read, without the column of errors."""
    return [
        (row.sheet, row.number, {name: cell for name, cell in row.cells.items() if name not in ERROR_COLUMNS.values()})
        for sheet in gather_sheets(path, {}, ()).sheets
        for row in sheet.rows
    ]


def told(complaints):
    return [(complaint.row, complaint.column, str(complaint.problem)) for complaint in complaints]


@pytest.fixture
def give_back(tmp_path):
    """Write a file and give the sheet of errors made of it."""

    def give_back(content, name="faq.csv", out="out.csv", **options):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        write_error_sheet(tmp_path / out, read_entries(path, **options), str)
        return tmp_path / out

    return give_back


# the tag characters of CSV, of formulas, of XML and its escapes, of our comments and errors, and anything else
NASTY = st.text(
    st.sampled_from(list("=+-@\t\r\n\"',;|# x0_<&]\x00\x0b\x1b\x85\u2028\ufeff𝄞文"))
    | st.characters(exclude_categories=["Cs"]),
    max_size=12,
) | st.sampled_from(
    ["=1+1", "#N/A", "#REF!", "_x0041_", "_x005F_x000D_", "007", "1e5", "TRUE", "# a", "'=1", "\r", " "]
)
IN_A_WORKBOOK = NASTY.filter(lambda text: "\ufffe" not in text and "\uffff" not in text)


def write_csv(path, rows):
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([("note", "question", "answer"), *rows])
    path.write_bytes(buffer.getvalue().encode())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(NASTY, NASTY, NASTY), min_size=5, max_size=10))
def test_every_cell_of_a_csv_file_comes_back_from_a_csv_file_to_the_letter(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("csv")
    write_csv(folder / "in.csv", [("first", "", ""), *drawn])
    write_error_sheet(folder / "out.csv", read_entries(folder / "in.csv"), str)
    assert rows_of(folder / "out.csv") == rows_of(folder / "in.csv")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(IN_A_WORKBOOK, IN_A_WORKBOOK, IN_A_WORKBOOK), min_size=5, max_size=10))
def test_every_cell_comes_back_from_workbooks_and_from_there_to_the_letter(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("xlsx")
    write_csv(folder / "0.csv", [("first", "", ""), *drawn])
    for before, after in (("0.csv", "1.xlsx"), ("1.xlsx", "2.xlsx"), ("2.xlsx", "3.csv")):
        write_error_sheet(folder / after, read_entries(folder / before), str)
        assert [row[1:] for row in rows_of(folder / after)] == [row[1:] for row in rows_of(folder / "0.csv")]


@pytest.mark.parametrize("out", ["out.csv", "out.xlsx"])
@pytest.mark.parametrize("name", ["faq.csv", "faq.tsv", "faq.jsonl"])
def test_any_input_goes_to_either_kind(give_back, name, out):
    content = {
        "faq.csv": "id,question,answer\n007,=How?,\nb,Why?,For.\n",
        "faq.tsv": "id\tquestion\tanswer\n007\t=How?\t\nb\tWhy?\tFor.\n",
        "faq.jsonl": '{"id": "007", "question": "=How?"}\n{"id": "b", "question": "Why?", "answer": "For."}\n',
    }[name]
    path = give_back(content, name, out)
    rows = rows_of(path)
    assert [cells for _, _, cells in rows] == [
        {"id": "007", "question": "=How?"},
        {"id": "b", "question": "Why?", "answer": "For."},
    ]
    assert told(read_entries(path).complaints) == [(2, "answer", "is empty")]


def test_what_is_wrong_stands_in_the_last_cell_of_its_row_and_good_rows_have_none(give_back):
    path = give_back("id,question,answer\na,,\nb,Why?,For.\nc,why,So.\n")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows == [
        ["id", "question", "answer", ERRORS],
        [
            "a",
            "",
            "",
            "row 2, column question: is empty: write a question, or take the row out; "
            "row 2, column answer: is empty: write an answer, or index with --allow-empty-answer",
        ],
        [
            "b",
            "Why?",
            "For.",
            "row 3, column question: 'Why?' (id 'b') stands in row 4 (id 'c') with another answer: "
            "merge the two rows, or index with --allow-conflicts",
        ],
        [
            "c",
            "why",
            "So.",
            "row 4, column question: 'why' (id 'c') stands in row 3 (id 'b') with another answer: "
            "merge the two rows, or index with --allow-conflicts",
        ],
    ]


def test_rows_keep_their_numbers_though_titles_and_blank_rows_are_gone(give_back, write_workbook):
    write_workbook({"A": [["Our FAQ"], [], ["question", "answer"], [], ["How?", None], ["Why?", "For."]]})
    path = give_back(None, "faq.xlsx", "out.xlsx")
    assert [(number, cells) for _, number, cells in rows_of(path)] == [
        (5, {"question": "How?"}),
        (6, {"question": "Why?", "answer": "For."}),
    ]
    assert read_entries(path).notices == ()
    path = give_back('\n"a title\nof two lines"\nquestion,answer\n"How\nis it?",\n\nWhy?,\n', out="out2.csv")
    assert told(read_entries(path).complaints) == [(5, "answer", "is empty"), (8, "answer", "is empty")]


def test_a_corrected_sheet_is_read_without_taking_the_column_of_errors_out(give_back):
    path = give_back(BAD, out="out.xlsx")
    workbook = load_workbook(path)
    workbook.active["C2"] = "So."
    workbook.save(path)
    entries = read_entries(path).require_clean().entries
    assert [(entry.id, entry.answer, entry.metadata) for entry in entries] == [("a", "So.", {}), ("b", "For.", {})]


def test_a_sheet_that_was_given_back_is_given_back_with_one_column_of_errors(give_back, tmp_path):
    give_back(BAD, out="first.csv")
    path = give_back(None, "first.csv", "second.csv")
    assert path.read_text() == (tmp_path / "first.csv").read_text()


@pytest.mark.parametrize("out", ["out.csv", "out.xlsx"])
def test_a_row_that_is_broken_as_such_comes_back_with_what_is_known_of_it(give_back, out):
    content = 'question,answer\nHow?,a,little,more\n"bad"quote,x\nWhy?,For.\n'
    path = give_back(content, out=out)
    gathered = gather_sheets(path, {}, ())
    (broken,) = gathered.complaints
    assert broken.row == 2
    assert "a column without a name" in str(broken.problem)
    assert list(broken.cells)[:4] == ["How?", "a", "little", "more"]
    assert "has 4 cells, the header has 2" in broken.cells[4]
    row, good = gathered.sheets[0].rows
    assert (row.number, list(row.cells)) == (3, [ERRORS])
    assert row.cells[ERRORS].startswith("row 3: is not CSV (',' expected after '\"'): put the whole cell in")
    assert (good.number, good.cells) == (4, {"question": "Why?", "answer": "For."})


def test_a_row_of_which_nothing_is_known_is_not_lost_when_nobody_corrects_it(give_back):
    path = give_back('question,answer\n"bad"quote,x\nWhy?,For.\n')
    assert told(read_entries(path).complaints) == [(2, "question", "is empty"), (2, "answer", "is empty")]


def test_a_cell_in_a_column_without_a_name_comes_back_in_its_place(give_back, write_workbook):
    write_workbook({"A": [["question", None, "answer"], ["How?", "x", "So."], ["Why?", None, "For."]]})
    path = give_back(None, "faq.xlsx", "out.xlsx")
    values = [list(row) for row in load_workbook(path).active.values]
    assert values[0] == ["question", None, "answer", ERRORS]
    assert values[1][:3] == ["How?", "x", "So."]
    assert values[1][3].startswith("row 2: has 'x' in cell B2, a column without a name: ")
    assert values[2] == ["Why?", None, "For.", None]


def test_the_column_of_errors_is_chinese_where_the_other_columns_are(give_back):
    path = give_back("标准问,答案\n如何退货？,\n")
    assert path.read_text(encoding="utf-8-sig").splitlines()[0] == f"标准问,答案,{ERROR_COLUMNS['zh']}"


def test_complaints_come_in_the_language_asked_for(tmp_path):
    def to_german(said):
        return said.translated(
            lambda template: {"row {row}": "Zeile {row}", "is empty": "ist leer"}.get(template, template)
        )

    (tmp_path / "faq.csv").write_text(BAD)
    write_error_sheet(tmp_path / "out.csv", read_entries(tmp_path / "faq.csv"), to_german)
    assert '"Zeile 2, column answer: ist leer: write an answer' in (tmp_path / "out.csv").read_text()


def test_what_is_wrong_with_the_file_as_such_stands_above_the_header(give_back):
    path = give_back("id,question,text\na,How?,So.\n")
    first, second, *_ = path.read_text(encoding="utf-8-sig").splitlines()
    assert first.startswith('"# faq.csv: has no answer column among ')
    assert second == f"id,question,text,{ERRORS}"
    fixed = path.read_text(encoding="utf-8-sig").replace("question,text", "question,answer")
    path.write_text(fixed)
    assert [entry.answer for entry in read_entries(path).require_clean().entries] == ["So."]


def test_values_of_jsonl_come_as_the_reader_of_tables_takes_them_apart(give_back):
    line = (
        '{"question": "How?", "similar": ["a", "b"], "tags": ["t", "u"], "n": 3, "deep": {"é": [1]}, "enabled": false}'
    )
    path = give_back(f'{line}\nno json\n{{"question": "Why?", "answer": "For."}}\n', "faq.jsonl", "out.xlsx")
    first, broken, last = rows_of(path)
    assert first[2] == {
        "question": "How?",
        "similar": "a||b",
        "tags": "t,u",
        "n": 3,
        "deep": '{"é": [1]}',
        "enabled": False,
    }
    assert (broken[2], last[2]) == ({}, {"question": "Why?", "answer": "For."})


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("faq.csv", b"question,answer\no\xf9,1\n", "faq.csv, row 2: is not UTF-8"),
        ("faq.csv", b"question,answer,x,x\na,1\n", "faq.csv, row 1: names the column 'x' twice"),
        ("faq.csv", b'question,answer\na,"1\nb,2\n', "faq.csv, row 2: opens a quote that never closes"),
        ("faq.jsonl", b"no json\n", "faq.jsonl, row 1: is not JSON"),
    ],
)
def test_where_rows_were_not_read_no_sheet_is_given_back_that_would_lack_them(
    give_back, tmp_path, name, content, reason
):
    with pytest.raises(InputError) as caught:
        give_back(content, name)
    assert str(caught.value).startswith(
        f"{tmp_path / 'out.csv'}: is not written, since rows could not be read: {reason}"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_name_that_is_taken_is_left_alone_before_and_after_reading(give_back, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(InputError, match="is there already: choose another name, or move it away"):
        check_error_sheet(tmp_path / "out.csv")
    with pytest.raises(InputError, match="is there already"):
        give_back(BAD)
    assert (tmp_path / "out.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["out.xls", "out", "out.jsonl"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"give a file that ends in \.xlsx or \.csv"):
        check_error_sheet(tmp_path / name)


MEASURED = """
import pathlib, re, sys
from indexer.entries import read_entries
from indexer.error_sheet import write_error_sheet
folder = pathlib.Path(sys.argv[1])
write_error_sheet(folder / "out.xlsx", read_entries(folder / "faq.csv"), str)
print(int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1000)
"""


def test_fifty_thousand_rows_half_of_them_bad_take_less_than_700_megabytes_and_a_minute(tmp_path):
    (tmp_path / "faq.csv").write_text(
        "id,question,similar,answer,note\n"
        + "".join(
            f"{n},What is number {n}?,n{n}||no {n},{'' if n % 2 else 'It is'},{'x' * 200}\n" for n in range(50_000)
        )
    )
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert time.perf_counter() - start < 60
    assert int(ran.stdout) < 700
    rows = gather_sheets(tmp_path / "out.xlsx", {}, ()).sheets[0].rows
    assert (len(rows), sum(ERRORS in row.cells for row in rows)) == (50_000, 25_000)
