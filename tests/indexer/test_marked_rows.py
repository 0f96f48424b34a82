import pytest

from indexer.entries import read_entries
from indexer.marked_rows import mark_rows


@pytest.fixture
def marked(tmp_path):
    """Mark the rows of a CSV file."""

    def marked(content, name="faq.csv"):
        (tmp_path / name).write_text(content)
        return mark_rows(read_entries(tmp_path / name), str)

    return marked


def test_each_row_has_its_cells_by_position_and_what_is_wrong_with_it(marked):
    (sheet,) = marked("question,note,answer\nHow?,,\nWhy?,n,For.\n").sheets
    bad, good = sheet.rows()
    assert (bad.number, bad.cells, bad.wrong_columns) == (2, ["How?", None, None], {"answer"})
    assert bad.wrong == ["row 2, column answer: is empty: write an answer, or index with --allow-empty-answer"]
    assert (good.number, good.cells, good.wrong, good.wrong_columns) == (3, ["Why?", "n", "For."], [], set())


def test_broken_rows_stand_among_the_others_in_the_order_of_the_file(marked):
    (sheet,) = marked('question,answer\na,1\nb,2,3\nc,3\n"d"x\ne,5\n').sheets
    assert [(row.number, row.cells) for row in sheet.rows()] == [
        (2, ["a", "1", None]),
        (3, ["b", "2", "3"]),
        (4, ["c", "3", None]),
        (5, []),
        (6, ["e", "5", None]),
    ]
    assert sheet.columns == ("question", "answer", "")


def test_what_is_about_no_row_is_kept_apart(marked):
    file = marked("question,text\na,1\n")
    assert [line.partition(" among")[0] for line in file.wrong] == ["faq.csv: has no answer column"]
    assert [row.wrong for row in file.sheets[0].rows()] == [[]]


def test_an_older_column_of_errors_is_left_out_with_its_cells(marked):
    content = "question,what is wrong and what to do,answer\na,row 2: old,1\nb,row 3: old,2,x\n"
    (sheet,) = marked(content).sheets
    assert sheet.columns == ("question", "", "answer", "")
    assert [row.cells for row in sheet.rows()] == [["a", None, "1", None], ["b", None, "2", "x"]]


@pytest.mark.parametrize(
    ("header", "language"), [("question,answer", "en"), ("标准问,answer", "zh"), ("question,answer,备注", "zh")]
)
def test_the_language_is_that_of_the_columns(marked, header, language):
    file = marked(f"{header}\na,1\n")
    assert (file.language, file.sheets[0].language) == (language, language)


def test_every_complaint_stands_in_one_printable_line(marked):
    (sheet,) = marked('"a\x07b",question,answer\n"x\x00y",How?,So.\n').sheets
    (row,) = sheet.rows()
    assert row.wrong[0].startswith("row 2, column a\\x07b: holds a NUL character")
