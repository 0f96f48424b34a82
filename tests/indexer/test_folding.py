from indexer.columns import find_columns
from indexer.entry import derive_id
from indexer.folding import fold
from indexer.row import Place, Row
from indexer.validation import RowChecker

NAMES = ["id", "question", "similar", "answer", "tags", "enabled", "note"]


def folded(*rows):
    """Fold rows that stand in the lines 2, 3, ... of a file."""
    checker = RowChecker("faq.csv", find_columns("faq.csv", NAMES), allow_empty_answer=True)
    return fold([checker.check(Row(number=number, cells=cells)) for number, cells in enumerate(rows, start=2)])


def cells(question, answer, **others):
    return {"question": question, "answer": answer, **others}


def lines(complaints):
    return [str(complaint) for complaint in complaints]


def test_rows_that_share_nothing_stay_as_they_are():
    outcome = folded(cells("a", "1", similar="b||c"), cells("d", "1"))
    assert [entry.phrasings for entry in outcome.entries] == [("a", "b", "c"), ("d",)]
    assert outcome.notices == outcome.complaints == ()


def test_a_question_that_stands_twice_with_one_answer_is_folded_with_its_phrasings_and_tags():
    outcome = folded(
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
    outcome = folded(cells("a", "1", note=[1]), cells("a", "1", note=[2]))
    assert outcome.notices[0].fix == "folded into that row, its own metadata left out"


def test_two_answers_to_one_question_without_ids_get_two_ids():
    outcome = folded(cells("a", "1"), cells("a", "2"), cells("a", "3"))
    derived = derive_id("a")
    assert [entry.id for entry in outcome.entries] == [derived, f"{derived}-2", f"{derived}-3"]


def test_a_derived_id_gives_way_to_the_same_id_given_to_another_question():
    outcome = folded(cells("a", "1"), cells("b", "2", id=derive_id("a")))
    assert [entry.id for entry in outcome.entries] == [f"{derive_id('a')}-2", derive_id("a")]


def test_a_third_row_is_folded_into_the_one_of_two_rivals_that_has_its_answer():
    outcome = folded(cells("a", "1"), cells("a", "2"), cells("a", "2", similar="b"))
    assert [(entry.answer, entry.phrasings) for entry in outcome.entries] == [("1", ("a",)), ("2", ("a", "b"))]


def test_a_phrasing_shared_by_two_questions_of_one_answer_is_kept_in_the_first():
    outcome = folded(cells("a", "1", similar="s||t", id="x"), cells("b", "1", similar="T||S||u", id="y"))
    assert [entry.phrasings for entry in outcome.entries] == [("a", "s", "t"), ("b", "u")]
    assert lines(outcome.notices) == [
        "faq.csv, row 3, column similar: 'T' stands in row 2 (id 'x') with the same answer: kept there only"
    ]


def test_a_question_that_is_a_similar_phrasing_before_with_one_answer_is_folded():
    outcome = folded(cells("a", "1", similar="b"), cells("b", "1", similar="c", tags="t"))
    (entry,) = outcome.entries
    assert (entry.phrasings, entry.tags) == (("a", "b", "c"), ("t",))
    assert len(outcome.notices) == 1


def test_each_of_many_answers_to_one_question_gets_one_notice_and_its_own_id():
    outcome = folded(*(cells("q", str(n)) for n in range(2_000)))
    assert len({entry.id for entry in outcome.entries}) == 2_000
    assert len(outcome.notices) == 1_999


def test_an_entry_stands_in_the_first_of_the_rows_that_were_folded_into_it():
    outcome = folded(cells("a", "1", id="x"), cells("b", "2", id="y"), cells("A", "1", id="z"), cells("a", "3"))
    assert outcome.places == {"x": Place(row=2), "y": Place(row=3), derive_id("a"): Place(row=5)}


def test_each_row_of_an_entry_with_too_many_phrasings_is_complained_about():
    thirds = [[f"{third}{number}" for number in range(400)] for third in "abc"]
    outcome = folded(cells("x", "1"), *(cells("q", "1", similar=third) for third in thirds))
    assert [(complaint.row, str(complaint.problem)) for complaint in outcome.complaints] == [
        (3, "with row 4 folded into it makes more than 1,000 phrasings of one entry"),
        (4, "folded into row 3 it makes more than 1,000 phrasings of one entry"),
        (5, "folded into row 3 it makes more than 1,000 phrasings of one entry"),
    ]
