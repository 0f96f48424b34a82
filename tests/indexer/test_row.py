import pytest

from indexer.row import Header, Place, Row, too_long


def test_a_row_that_is_too_long_is_one_complaint():
    assert str(too_long("faq.xlsx", 7, "FAQ")) == (
        "faq.xlsx, sheet FAQ, row 7: has more than 10 MB in one row: shorten it, or close its quotes"
    )


def test_a_row_cannot_be_changed():
    with pytest.raises(AttributeError):
        Row(number=1, cells={}).number = 2


def test_a_header_gives_each_name_once_and_leaves_out_blanks():
    assert Header(number=1, columns=("a", "", "b", "a")).names == ("a", "b")


def test_a_place_is_said_with_its_sheet_where_there_is_one():
    assert (str(Place(row=7)), str(Place(sheet="A", row=7))) == ("row 7", "row 7 of sheet 'A'")
