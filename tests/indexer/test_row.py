import pytest

from indexer.row import Row, too_long


def test_a_row_that_is_too_long_is_one_complaint():
    assert str(too_long("faq.xlsx", 7, "FAQ")) == (
        "faq.xlsx, sheet FAQ, row 7: has more than 10 MB in one row: shorten it, or close its quotes"
    )


def test_a_row_cannot_be_changed():
    with pytest.raises(AttributeError):
        Row(number=1, cells={}).number = 2
