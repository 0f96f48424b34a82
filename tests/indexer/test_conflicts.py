from indexer.columns import find_columns
from indexer.conflicts import resolve
from indexer.entry import derive_id
from indexer.row import Row
from indexer.validation import RowChecker

NAMES = ["id", "question", "similar", "answer", "tags", "enabled", "note"]


def resolved(*rows, allow_conflicts=False):
    """Resolve rows that stand in the lines 2, 3, ... of a file."""
    columns = find_columns("faq.csv", NAMES)
    checker = RowChecker("faq.csv", columns, allow_empty_answer=True)
    checked = [checker.check(Row(number=number, cells=cells)) for number, cells in enumerate(rows, start=2)]
    return resolve(checked, file="faq.csv", allow_conflicts=allow_conflicts)


def cells(question, answer, **others):
    return {"question": question, "answer": answer, **others}


def lines(complaints):
    return [str(complaint) for complaint in complaints]


def test_rows_that_share_nothing_stay_as_they_are():
    outcome = resolved(cells("a", "1", similar="b||c"), cells("d", "1"))
    assert [entry.phrasings for entry in outcome.entries] == [("a", "b", "c"), ("d",)]
    assert outcome.notices == outcome.complaints == ()


def test_a_question_that_stands_twice_with_one_answer_is_folded_with_its_phrasings_and_tags():
    outcome = resolved(
        cells("How?", "So.", id="x", similar="a", tags="t"),
        cells("HOW", "So. ", id="y", similar="A||b", tags="t,u"),
    )
    (entry,) = outcome.entries
    assert (entry.id, entry.phrasings, entry.tags, entry.answer) == ("x", ("How?", "a", "b"), ("t", "u"), "So.")
    assert outcome.complaints == ()
    assert lines(outcome.notices) == [
        "faq.csv, row 3, column question: 'HOW' (id 'y') asks the same as row 2 (id 'x'), with the same answer: "
        "folded into that row"
    ]


def test_metadata_lost_by_folding_is_said():
    outcome = resolved(cells("a", "1", note=[1]), cells("a", "1", note=[2]))
    assert outcome.notices[0].fix == "folded into that row, its own metadata left out"


def test_a_question_that_stands_twice_with_another_answer_is_a_complaint():
    outcome = resolved(cells("How?", "So.", id="x"), cells("how", "Thus.", id="y"))
    assert lines(outcome.complaints) == [
        "faq.csv, row 3, column question: 'how' (id 'y') stands in row 2 (id 'x') with another answer: "
        "merge the two rows, or index with --allow-conflicts"
    ]


def test_an_allowed_conflict_leaves_both_entries_and_one_notice():
    outcome = resolved(
        cells("How?", "So.", id="x", similar="a"), cells("how", "Thus.", id="y", similar="a"), allow_conflicts=True
    )
    assert [entry.phrasings for entry in outcome.entries] == [("How?", "a"), ("how", "a")]
    assert outcome.complaints == ()
    assert lines(outcome.notices) == [
        "faq.csv, row 3, column question: 'how' (id 'y') stands in row 2 (id 'x') with another answer: both stay"
    ]


def test_two_answers_to_one_question_without_ids_get_two_ids():
    outcome = resolved(cells("a", "1"), cells("a", "2"), cells("a", "3"), allow_conflicts=True)
    derived = derive_id("a")
    assert [entry.id for entry in outcome.entries] == [derived, f"{derived}-2", f"{derived}-3"]


def test_a_derived_id_gives_way_to_the_same_id_given_to_another_question():
    outcome = resolved(cells("a", "1"), cells("b", "2", id=derive_id("a")))
    assert [entry.id for entry in outcome.entries] == [f"{derive_id('a')}-2", derive_id("a")]


def test_a_third_row_is_folded_into_the_one_of_two_rivals_that_has_its_answer():
    outcome = resolved(cells("a", "1"), cells("a", "2"), cells("a", "2", similar="b"), allow_conflicts=True)
    assert [(entry.answer, entry.phrasings) for entry in outcome.entries] == [("1", ("a",)), ("2", ("a", "b"))]


def test_empty_answers_of_two_ids_are_a_conflict_because_the_id_is_the_answer():
    outcome = resolved(cells("a", "", id="x"), cells("a", "", id="y"))
    assert outcome.complaints[0].problem == "'a' (id 'y') stands in row 2 (id 'x') with another id and no answer"


def test_empty_answers_of_one_derived_id_are_folded():
    outcome = resolved(cells("a", ""), cells("A", "", similar="b"))
    assert [entry.phrasings for entry in outcome.entries] == [("a", "b")]
    assert outcome.complaints == ()


def test_an_empty_answer_contradicts_a_written_one():
    assert len(resolved(cells("a", "1"), cells("a", "")).complaints) == 1


def test_rows_of_one_answer_are_not_folded_where_only_one_is_enabled():
    outcome = resolved(cells("a", "1"), cells("a", "1", enabled=False))
    assert "with the same answer but another enabled, valid_from or valid_until" in outcome.complaints[0].problem


def test_a_phrasing_shared_by_two_questions_of_one_answer_is_kept_in_the_first():
    outcome = resolved(cells("a", "1", similar="s||t", id="x"), cells("b", "1", similar="T||S||u", id="y"))
    assert [entry.phrasings for entry in outcome.entries] == [("a", "s", "t"), ("b", "u")]
    assert lines(outcome.notices) == [
        "faq.csv, row 3, column similar: 'T' stands in row 2 (id 'x') with the same answer: kept there only"
    ]


def test_a_question_that_is_a_similar_phrasing_before_with_one_answer_is_folded():
    outcome = resolved(cells("a", "1", similar="b"), cells("b", "1", similar="c", tags="t"))
    (entry,) = outcome.entries
    assert (entry.phrasings, entry.tags) == (("a", "b", "c"), ("t",))
    assert len(outcome.notices) == 1


def test_a_similar_phrasing_with_another_answer_is_a_complaint_about_that_column():
    outcome = resolved(cells("a", "1"), cells("b", "2", similar="A"))
    assert (outcome.complaints[0].row, outcome.complaints[0].column) == (3, "similar")


def test_a_row_in_conflict_with_two_rows_names_both():
    outcome = resolved(cells("a", "1"), cells("b", "2"), cells("c", "3", similar="a||b"))
    assert [complaint.problem for complaint in outcome.complaints] == [
        "'a' stands in row 2 with another answer",
        "'b' stands in row 3 with another answer",
    ]


def test_an_id_that_stands_twice_is_a_complaint_that_names_the_other_row():
    outcome = resolved(cells("a", "1", id="x"), cells("b", "2", id="y"), cells("a", "3", id="x"))
    assert lines(outcome.complaints) == [
        "faq.csv, row 4, column id: 'x' is the id of row 2 too: give each row an id of its own"
    ]


def test_folding_may_not_pass_the_limit_of_phrasings():
    halves = [[f"{half}{number}" for number in range(600)] for half in "ab"]
    outcome = resolved(*(cells("q", "1", similar=half) for half in halves))
    assert [complaint.problem for complaint in outcome.complaints] == [
        "folded into row 2 it makes more than 1,000 phrasings of one entry"
    ]


def test_each_of_many_answers_to_one_question_gets_one_notice_and_its_own_id():
    outcome = resolved(*(cells("q", str(n)) for n in range(2_000)), allow_conflicts=True)
    assert len({entry.id for entry in outcome.entries}) == 2_000
    assert len(outcome.notices) == 1_999


def test_rows_of_different_sheets_with_one_number_are_told_apart():
    columns = find_columns("faq.xlsx", NAMES)
    checker = RowChecker("faq.xlsx", columns, allow_empty_answer=True)
    rows = [
        checker.check(Row(number=2, sheet=sheet, cells=cells("How?", answer, similar=sheet)))
        for sheet, answer in (("A", "1"), ("B", "2"), ("C", "3"))
    ]
    rows.append(checker.check(Row(number=3, sheet="C", cells=cells("Why?", "4", similar="A||B"))))
    outcome = resolve(rows, file="faq.xlsx", allow_conflicts=False)
    assert lines(outcome.complaints) == [
        "faq.xlsx, sheet B, row 2, column question: 'How?' stands in row 2 of sheet 'A' with another answer: "
        "merge the two rows, or index with --allow-conflicts",
        "faq.xlsx, sheet C, row 2, column question: 'How?' stands in row 2 of sheet 'A' with another answer: "
        "merge the two rows, or index with --allow-conflicts",
        "faq.xlsx, sheet C, row 3, column similar: 'A' stands in row 2 of sheet 'A' with another answer: "
        "merge the two rows, or index with --allow-conflicts",
        "faq.xlsx, sheet C, row 3, column similar: 'B' stands in row 2 of sheet 'B' with another answer: "
        "merge the two rows, or index with --allow-conflicts",
    ]
