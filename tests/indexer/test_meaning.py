import pytest

from indexer.columns import find_columns
from indexer.meaning import difference, meaning_of, named
from indexer.row import Row
from indexer.validation import RowChecker

NAMES = ["id", "question", "similar", "answer", "tags", "enabled", "valid_from", "note"]


def row(number=2, **cells):
    checker = RowChecker("faq.csv", find_columns("faq.csv", NAMES), allow_empty_answer=True)
    return checker.check(Row(number=number, cells={"question": "q", "answer": "1", **cells}))


@pytest.mark.parametrize("other", [{"answer": " 1 "}, {"question": "r"}, {"id": "x"}, {"tags": "t"}, {"note": "n"}])
def test_what_may_differ_between_rows_of_one_meaning(other):
    assert meaning_of(row(**other).entry) == meaning_of(row().entry)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"answer": "2"}, "another answer"),
        ({"answer": ""}, "another answer"),
        ({"enabled": "no"}, "the same answer but another enabled, valid_from or valid_until"),
        ({"valid_from": "2026-01-01"}, "the same answer but another enabled, valid_from or valid_until"),
    ],
)
def test_what_makes_another_meaning_is_said(other, said):
    first, second = row(), row(3, **other)
    assert meaning_of(first.entry) != meaning_of(second.entry)
    assert difference(first, second, "q")[1] == f"'q' stands in row 3 with {said}"


def test_without_an_answer_the_id_is_the_meaning():
    first, second = row(answer="", id="x"), row(3, answer="", id="y")
    assert meaning_of(first.entry) != meaning_of(second.entry)
    said = "'q' (id 'x') stands in row 3 (id 'y') with another id and no answer"
    assert difference(first, second, "q") == ("question", said)


def test_a_difference_in_a_similar_phrasing_is_about_that_column():
    assert difference(row(similar="s"), row(3, answer="2"), "s")[0] == "similar"


def test_only_an_id_that_stands_in_the_row_is_named():
    assert (named(row(), "it"), named(row(id="x"), "it")) == ("it", "it (id 'x')")
