from itertools import permutations

from indexer.columns import find_columns
from indexer.conflicts import resolve
from indexer.entry import derive_id
from indexer.row import Place, Row
from indexer.validation import RowChecker

NAMES = ["id", "question", "similar", "answer", "tags", "enabled", "note"]


def resolved(*rows, allow_conflicts=False):
    """Resolve rows that stand in the lines 2, 3, ... of a file."""
    columns = find_columns("faq.csv", NAMES)
    checker = RowChecker("faq.csv", columns, allow_empty_answer=True)
    checked = [checker.check(Row(number=number, cells=cells)) for number, cells in enumerate(rows, start=2)]
    return resolve(checked, allow_conflicts=allow_conflicts)


def cells(question, answer, **others):
    return {"question": question, "answer": answer, **others}


def lines(complaints):
    return [str(complaint) for complaint in complaints]


def ids(outcome):
    return [entry.id for entry in outcome.entries]


def test_a_question_that_stands_twice_with_another_answer_is_a_complaint_about_both_rows_and_neither_stays():
    outcome = resolved(cells("How?", "So.", id="x"), cells("how", "Thus.", id="y"), cells("Why?", "For.", id="z"))
    assert lines(outcome.complaints) == [
        "faq.csv, row 2, column question: 'How?' (id 'x') stands in row 3 (id 'y') with another answer: "
        "merge the two rows, or index with --allow-conflicts",
        "faq.csv, row 3, column question: 'how' (id 'y') stands in row 2 (id 'x') with another answer: "
        "merge the two rows, or index with --allow-conflicts",
    ]
    assert ids(outcome) == ["z"]
    assert outcome.rejected == {"x", "y"}


def test_an_allowed_conflict_leaves_both_entries_and_one_notice():
    outcome = resolved(
        cells("How?", "So.", id="x", similar="a"), cells("how", "Thus.", id="y", similar="a"), allow_conflicts=True
    )
    assert [entry.phrasings for entry in outcome.entries] == [("How?", "a"), ("how", "a")]
    assert outcome.complaints == ()
    assert lines(outcome.notices) == [
        "faq.csv, row 3, column question: 'how' (id 'y') stands in row 2 (id 'x') with another answer: both stay"
    ]


def test_empty_answers_of_two_ids_are_a_conflict_because_the_id_is_the_answer():
    outcome = resolved(cells("a", "", id="x"), cells("a", "", id="y"))
    assert [str(complaint.problem) for complaint in outcome.complaints] == [
        "'a' (id 'x') stands in row 3 (id 'y') with another id and no answer",
        "'a' (id 'y') stands in row 2 (id 'x') with another id and no answer",
    ]


def test_empty_answers_of_one_derived_id_are_folded():
    outcome = resolved(cells("a", ""), cells("A", "", similar="b"))
    assert [entry.phrasings for entry in outcome.entries] == [("a", "b")]
    assert outcome.complaints == ()


def test_an_empty_answer_contradicts_a_written_one():
    assert len(resolved(cells("a", "1"), cells("a", "")).complaints) == 2


def test_rows_of_one_answer_are_not_folded_where_only_one_is_enabled():
    outcome = resolved(cells("a", "1"), cells("a", "1", enabled=False))
    assert "with the same answer but another enabled, valid_from or valid_until" in outcome.complaints[0].problem


def test_a_similar_phrasing_with_another_answer_is_a_complaint_about_that_column():
    outcome = resolved(cells("a", "1"), cells("b", "2", similar="A"))
    assert [(complaint.row, complaint.column) for complaint in outcome.complaints] == [(2, "question"), (3, "similar")]


def test_a_row_in_conflict_with_two_rows_names_both():
    outcome = resolved(cells("a", "1"), cells("b", "2"), cells("c", "3", similar="a||b"))
    assert [(complaint.row, str(complaint.problem)) for complaint in outcome.complaints] == [
        (2, "'a' stands in row 4 with another answer"),
        (3, "'b' stands in row 4 with another answer"),
        (4, "'a' stands in row 2 with another answer"),
        (4, "'b' stands in row 3 with another answer"),
    ]


def test_an_id_that_stands_twice_is_a_complaint_about_each_row_and_none_of_them_stays():
    outcome = resolved(
        cells("a", "1", id="x"), cells("b", "2", id="y"), cells("a", "3", id="x"), cells("c", "4", id="x")
    )
    assert lines(outcome.complaints) == [
        "faq.csv, row 2, column id: 'x' is the id of row 4 too: give each row an id of its own",
        "faq.csv, row 4, column id: 'x' is the id of row 2 too: give each row an id of its own",
        "faq.csv, row 5, column id: 'x' is the id of row 2 too: give each row an id of its own",
    ]
    assert ids(outcome) == ["y"]


def test_folding_may_not_pass_the_limit_of_phrasings_and_no_row_of_such_an_entry_stays():
    halves = [[f"{half}{number}" for number in range(600)] for half in "ab"]
    outcome = resolved(*(cells("q", "1", similar=half) for half in halves), cells("r", "1", similar="a7"))
    assert [(complaint.row, str(complaint.problem)) for complaint in outcome.complaints] == [
        (2, "with row 3 folded into it makes more than 1,000 phrasings of one entry"),
        (3, "folded into row 2 it makes more than 1,000 phrasings of one entry"),
    ]
    # what had been kept in the first row only is not lost with it
    assert [entry.phrasings for entry in outcome.entries] == [("r", "a7")]
    assert outcome.notices == ()


def test_rows_of_different_sheets_with_one_number_are_told_apart():
    columns = find_columns("faq.xlsx", NAMES)
    checker = RowChecker("faq.xlsx", columns, allow_empty_answer=True)
    rows = [
        checker.check(Row(number=2, sheet=sheet, cells=cells("How?", answer, similar=sheet)))
        for sheet, answer in (("A", "1"), ("B", "2"), ("C", "3"))
    ]
    rows.append(checker.check(Row(number=3, sheet="C", cells=cells("Why?", "4", similar="A||B"))))
    outcome = resolve(rows, allow_conflicts=False)
    fix = "merge the two rows, or index with --allow-conflicts"
    assert lines(outcome.complaints) == [
        f"faq.xlsx, sheet A, row 2, column question: 'How?' stands in row 2 of sheet 'B' with another answer: {fix}",
        f"faq.xlsx, sheet A, row 2, column similar: 'A' stands in row 3 of sheet 'C' with another answer: {fix}",
        f"faq.xlsx, sheet B, row 2, column question: 'How?' stands in row 2 of sheet 'A' with another answer: {fix}",
        f"faq.xlsx, sheet B, row 2, column similar: 'B' stands in row 3 of sheet 'C' with another answer: {fix}",
        f"faq.xlsx, sheet C, row 2, column question: 'How?' stands in row 2 of sheet 'A' with another answer: {fix}",
        f"faq.xlsx, sheet C, row 3, column similar: 'A' stands in row 2 of sheet 'A' with another answer: {fix}",
        f"faq.xlsx, sheet C, row 3, column similar: 'B' stands in row 2 of sheet 'B' with another answer: {fix}",
    ]


def test_which_rows_of_a_contradiction_are_left_out_does_not_depend_on_their_order():
    rows = [
        cells("a", "1", id="p", similar="s"),
        cells("a", "1", id="q"),  # would be folded into the one above
        cells("b", "1", id="r", similar="s"),  # would keep what it shares with the first in the first only
        cells("t", "1", id="s"),
        cells("s", "2", id="u", similar="a"),
        cells("c", "3", id="v"),
    ]
    for order in permutations(rows):
        outcome = resolved(*order)
        assert sorted(ids(outcome)) == ["s", "v"]
        assert outcome.rejected == {"p", "q", "r", "u"}


def test_a_row_that_is_left_out_for_its_id_contradicts_nobody():
    outcome = resolved(cells("a", "1", id="x"), cells("b", "2", id="x"), cells("a", "3", id="y"))
    assert [complaint.column for complaint in outcome.complaints] == ["id", "id"]
    assert ids(outcome) == ["y"]


def test_each_of_many_answers_to_one_question_is_one_complaint():
    outcome = resolved(*(cells("q", str(n)) for n in range(2_000)))
    assert len(outcome.complaints) == 2_000
    assert outcome.entries == ()


def test_rows_are_counted_and_entries_have_their_place():
    outcome = resolved(cells("a", "1", id="x"), cells("A", "1"), cells("b", "2"), cells("b", "3"), cells("c", "4"))
    assert (outcome.folded, len(outcome.entries), len(outcome.complaints)) == (1, 2, 2)
    assert outcome.places == {"x": Place(row=2), derive_id("c"): Place(row=6)}
