import pytest

from indexer.complaint import Complaint
from indexer.merges import Merge
from indexer.row import Header, Notice, Row, Unreadable
from indexer.table import Table, TableRow, column_letters, named_rows
from models.message import Message


def named(*rows, sheet="FAQ", merges=(), **chosen):
    """Name the rows 1, 2, ... of a table; one that is a string is a complaint about it."""
    table_rows = [
        Complaint(file="f", row=number, problem=cells, fix="")
        if isinstance(cells, str)
        else TableRow(number=number, cells=cells)
        for number, cells in enumerate(rows, start=1)
        if cells is not None
    ]
    return list(named_rows(Table(file="f", sheet=sheet, rows=table_rows, merges=merges), chosen))


def cells_of(outcome):
    return {row.number: row.cells for row in outcome if isinstance(row, Row)}


def said(outcome):
    return [
        str(item.said if isinstance(item, Notice) else item) for item in outcome if not isinstance(item, Row | Header)
    ]


def test_cells_get_the_names_of_the_header():
    assert named(["question", "answer"], ["a", "1"], ["b"]) == [
        Header(sheet="FAQ", number=1, columns=("question", "answer")),
        Row(number=2, sheet="FAQ", cells={"question": "a", "answer": "1"}),
        Row(number=3, sheet="FAQ", cells={"question": "b"}),
    ]


def test_names_are_stripped_and_their_line_breaks_are_spaces():
    assert named([" 标准问 ", "valid\n from ", 2026], ["a", "b", "c"])[0].names == ("标准问", "valid from", "2026")


def test_a_title_above_the_header_is_left_out_with_a_notice():
    outcome = named(["Our FAQ", None], [None, "2026"], ["question", "answer"], ["a", "1"])
    assert cells_of(outcome) == {4: {"question": "a", "answer": "1"}}
    assert said(outcome) == [
        "f, sheet FAQ, row 1: 'Our FAQ' stands above the header: not read",
        "f, sheet FAQ, row 2: '2026' stands above the header: not read",
    ]


def test_comments_above_the_header_are_left_out_without_a_word():
    outcome = named(*[["# question: what is asked"]] * 20, ["question", "answer"], ["# a", "1"])
    assert cells_of(outcome) == {22: {"question": "# a", "answer": "1"}}
    assert said(outcome) == []


def test_a_header_is_found_within_the_first_ten_rows_only():
    assert cells_of(named(*[["x"]] * 9, ["question"], ["a"])) == {11: {"question": "a"}}
    assert named(*[["x"]] * 10, ["question"], ["a"])[0] == Header(sheet="FAQ", number=1, columns=("x",))


def test_without_a_question_column_the_first_row_is_the_header():
    assert named(["Frage"], ["a"]) == [
        Header(sheet="FAQ", number=1, columns=("Frage",)),
        Row(number=2, sheet="FAQ", cells={"Frage": "a"}),
    ]


def test_a_header_is_found_by_the_column_that_was_chosen_and_then_by_name():
    assert cells_of(named(["FAQ"], ["Frage"], ["a"], question="Frage")) == {3: {"Frage": "a"}}
    assert cells_of(named(["FAQ"], ["question"], ["a"], question="Frage")) == {3: {"question": "a"}}


def test_complaints_keep_their_place():
    outcome = named(["question"], ["a"], "broken", ["b"])
    assert [getattr(item, "row", None) or getattr(item, "number", None) for item in outcome[1:]] == [2, 3, 4]


def test_a_broken_first_row_without_a_header_behind_it_ends_the_table():
    assert said(named("broken", ["a"], ["b"])) == ["f, row 1: broken: "]
    assert cells_of(named("broken", ["question"], ["b"])) == {3: {"question": "b"}}


def test_a_name_that_stands_twice_is_a_complaint():
    assert said(named(["question", "note", "note"], ["a"])) == [
        "f, sheet FAQ, row 1: names the column 'note' twice: rename one of the two"
    ]


def test_columns_of_similar_questions_may_share_a_name():
    outcome = named(["question", "相似问", "相似问", "相似问 2", "相似问"], ["a", "b", "c", "d", "e"])
    assert list(cells_of(outcome)[2].values()) == ["a", "b", "c", "d", "e"]
    assert said(outcome) == []


def test_a_header_of_similar_questions_merged_over_columns_names_them_all():
    outcome = named(["question", "相似问", None, None, "answer"], ["a", "b", "c", "d", "1"], merges=[Merge(1, 1, 1, 3)])
    assert cells_of(outcome) == {2: {"question": "a", "相似问": "b", "相似问 2": "c", "相似问 3": "d", "answer": "1"}}


def test_a_header_merged_over_two_rows_begins_its_table_below_both():
    outcome = named(
        ["question", "相似问", None], [None, "1", "2"], ["a", "b", "c"], merges=[Merge(1, 0, 2, 0), Merge(1, 1, 1, 2)]
    )
    assert cells_of(outcome) == {3: {"question": "a", "相似问": "b", "相似问 2": "c"}}


def test_values_merged_over_rows_hold_for_each_but_an_id_only_for_the_first():
    outcome = named(
        ["id", "question", "similar", "answer", "分类"],
        ["x", "a", "b", "1", "t"],
        [None, None, "c"],
        ["y", "d", None, "2"],
        merges=[Merge(2, 0, 3, 0), Merge(2, 1, 3, 1), Merge(2, 3, 3, 3), Merge(2, 4, 4, 4)],
    )
    assert cells_of(outcome) == {
        2: {"id": "x", "question": "a", "similar": "b", "answer": "1", "分类": "t"},
        3: {"question": "a", "similar": "c", "answer": "1", "分类": "t"},
        4: {"id": "y", "question": "d", "answer": "2", "分类": "t"},
    }


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("x", "'x'"),
        (7, "'7'"),
        (Unreadable(problem=Message("is #REF!"), fix=Message("")), "a formula or error"),
    ],
)
def test_a_cell_under_no_name_is_a_complaint_that_names_it_as_excel_does(cell, shown):
    assert said(named(["question"], ["a", None, cell])) == [
        f"f, sheet FAQ, row 2: has {shown} in cell C2, a column without a name: name the column, or clear the cell"
    ]


def test_a_header_of_many_columns_costs_nothing_in_short_rows():
    (row,) = cells_of(named(["question", *(f"c{n}" for n in range(16_000))], ["a"])).values()
    assert row == {"question": "a"}


@pytest.mark.parametrize(("position", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (16_383, "XFD")])
def test_columns_have_the_letters_of_excel(position, letters):
    assert column_letters(position) == letters


def test_a_header_says_its_row_and_the_columns_by_position():
    header = named(["Our FAQ"], ["question", None, "answer", "相似问", "相似问"], ["a"])[1]
    assert (header.number, header.columns) == (2, ("question", "", "answer", "相似问", "相似问 2"))
    assert header.names == ("question", "answer", "相似问", "相似问 2")


def test_a_broken_row_is_told_with_its_cells():
    (too_many,) = named(["question"], ["a", None, "x"], sheet=None)[1:]
    (unnamed,) = named(["question"], ["a", "x"])[1:]
    assert (too_many.cells, unnamed.cells) == (["a", None, "x"], ["a", "x"])
    assert not too_many.hides_rows
    assert not unnamed.hides_rows


@pytest.mark.parametrize("rows", [["broken", ["a"]], [["question", "note", "note"], ["a"]]])
def test_a_complaint_that_hides_the_rows_below_says_so(rows):
    (complaint,) = (item for item in named(*rows) if isinstance(item, Complaint))
    assert complaint.hides_rows
