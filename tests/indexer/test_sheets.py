import pytest

from indexer.errors import InputError
from indexer.sheets import gather_sheets

FAQ = [["question", "answer"], ["a", "1"]]


def gather(path, asked=(), **chosen):
    return gather_sheets(path, chosen, asked)


def names(gathered):
    return [sheet.name for sheet in gathered.sheets]


def test_a_csv_file_is_one_sheet_without_a_name(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer\na,1\n")
    (sheet,) = gather(tmp_path / "a.csv").sheets
    assert (sheet.name, sheet.names, len(sheet.rows)) == (None, ("question", "answer"), 1)


def test_the_names_of_a_jsonl_file_are_those_of_all_its_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"b": 1}\n{"a": 1, "b": 2}\n')
    assert gather(tmp_path / "a.jsonl").sheets[0].names == ("b", "a")


def test_a_column_without_a_value_still_has_its_name(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer\na,\n")
    assert gather(tmp_path / "a.csv").sheets[0].names == ("question", "answer")


def test_sheets_come_in_their_order_and_those_without_rows_are_left_out(write_workbook):
    path = write_workbook({"Z": FAQ, "empty": [], "header": FAQ[:1], "A": FAQ})
    assert names(gather(path)) == ["Z", "A"]


def test_a_sheet_that_is_no_faq_is_left_out_with_a_notice(write_workbook):
    path = write_workbook({"Legend": [["Colour", "Meaning"], ["red", "new", "too many"]], "FAQ": FAQ})
    gathered = gather(path)
    assert (names(gathered), gathered.complaints, gathered.rows) == (["FAQ"], (), 1)
    assert list(map(str, gathered.notices)) == [
        "faq.xlsx, sheet Legend: has neither a question nor an answer column: not read"
    ]


def test_a_sheet_that_says_itself_that_it_is_a_comment_is_left_out_without_a_word(write_workbook):
    gathered = gather(write_workbook({"FAQ": FAQ, "Help": [["# How to fill in"], ["question: required"]]}))
    assert (names(gathered), gathered.notices) == (["FAQ"], ())


@pytest.mark.parametrize("header", [["Qestion", "answer"], ["question", "text"], ["Frage", "答案"]])
def test_a_sheet_with_half_of_what_an_faq_has_is_kept_to_be_complained_about(write_workbook, header):
    assert names(gather(write_workbook({"FAQ": FAQ, "Other": [header, ["a", "1"]]}))) == ["FAQ", "Other"]


def test_a_sheet_that_was_asked_for_is_kept(write_workbook):
    path = write_workbook({"FAQ": FAQ, "Legend": [["Colour"], ["red"]]})
    assert names(gather(path, ["FAQ", "Legend"])) == ["FAQ", "Legend"]


def test_a_sheet_with_a_chosen_column_is_kept(write_workbook):
    path = write_workbook({"FAQ": FAQ, "Other": [["Frage"], ["a"]]})
    assert names(gather(path, question="Frage")) == ["FAQ", "Other"]


def test_where_no_sheet_is_an_faq_all_are_kept(write_workbook):
    assert names(gather(write_workbook({"A": [["x"], ["1"]], "B": [["y"], ["2"]]}))) == ["A", "B"]


def test_an_faq_without_rows_beside_a_legend_is_an_error(write_workbook):
    with pytest.raises(InputError, match="holds no rows: write at least one row below the header"):
        gather(write_workbook({"FAQ": FAQ[:1], "Legend": [["Colour"], ["red"]]}))


def test_a_comment_is_left_out_also_where_no_sheet_is_an_faq(write_workbook):
    gathered = gather(write_workbook({"A": [["x"], ["1"]], "Help": [["# Correct this first"], ["more"]]}))
    assert (names(gathered), gathered.notices) == (["A"], ())


def test_a_sheet_whose_rows_are_all_broken_is_kept_with_its_columns(write_workbook):
    gathered = gather(write_workbook({"A": FAQ, "B": [["Title"], FAQ[0], ["a", "1", "too many"]]}))
    assert [(sheet.name, sheet.names, len(sheet.rows)) for sheet in gathered.sheets] == [
        ("A", ("question", "answer"), 1),
        ("B", ("question", "answer"), 0),
    ]
    assert [sheet.header.number for sheet in gathered.sheets] == [1, 2]
    assert gathered.rows == 2


def test_a_sheet_whose_rows_are_hidden_by_a_complaint_is_left_out(write_workbook):
    gathered = gather(write_workbook({"A": FAQ, "B": [["question", "answer", "x", "x"], ["a", "1"]]}))
    assert names(gathered) == ["A"]
    assert [complaint.sheet for complaint in gathered.complaints] == ["B"]
