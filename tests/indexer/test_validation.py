from datetime import UTC, datetime

import pytest

from indexer.columns import ERROR_COLUMNS, find_columns
from indexer.entry import Entry, derive_id
from indexer.row import Place, Row, Unreadable
from indexer.validation import RowChecker
from models import normalise
from models.message import Message


def check(allow_empty_answer=False, **cells):
    columns = find_columns("faq.jsonl", list(cells), answer_required=not allow_empty_answer)
    checker = RowChecker("faq.jsonl", columns, allow_empty_answer=allow_empty_answer)
    return checker.check(Row(number=7, cells=cells))


def entry_of(**cells):
    return check(**cells).entry


def complaints_of(**cells):
    return [str(complaint) for complaint in check(**cells).complaints]


def test_a_full_row_is_an_entry():
    assert entry_of(
        编号=12,
        问题=" 如何重置密码？ ",
        相似问="忘记密码||密码丢了",
        答案=" 点设置。",
        标签="账号，安全",
        是否启用="否",
        生效时间="2026/1/1",
        失效时间="2027-01-01",
        部门="客服",
    ) == Entry(
        id="12",
        question="如何重置密码？",
        similar=("忘记密码", "密码丢了"),
        answer=" 点设置。",
        tags=("账号", "安全"),
        metadata={"部门": "客服"},
        enabled=False,
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_a_row_without_an_id_derives_it_from_its_question():
    assert entry_of(question="How?", answer="So.").id == derive_id("How?")


def test_the_keys_of_a_row_are_those_of_its_phrasings():
    row = check(question="How?", similar=["HOW", "Why?"], answer="So.", id="a")
    assert row.keys == tuple(map(normalise.key, row.entry.phrasings)) == ("how", "why")


def test_of_equal_phrasings_in_a_row_the_first_stays_without_a_word():
    assert entry_of(question="How?", similar=["how", "Why?", "why"], similar2="WHY||When", answer="So.").phrasings == (
        "How?",
        "Why?",
        "When",
    )


def test_an_invisible_similar_phrasing_is_dropped():
    assert entry_of(question="How?", similar=["\u200b"], answer="So.").similar == ()


def test_an_invisible_question_is_a_complaint():
    assert complaints_of(question="\u200b", answer="So.") == [
        "faq.jsonl, row 7, column question: holds no visible character: write a question, or take the row out"
    ]


def test_everything_wrong_with_a_row_is_said_at_once():
    assert complaints_of(id=[1], question="", similar=3, 答案=None, enabled="x", valid_from="soon", note="\0") == [
        "faq.jsonl, row 7, column id: is a list, not text: write text or a whole number",
        "faq.jsonl, row 7, column question: is empty: write a question, or take the row out",
        "faq.jsonl, row 7, column 答案: is empty: write an answer, or index with --allow-empty-answer",
        "faq.jsonl, row 7, column similar: is the number 3, not text: write a list of questions",
        "faq.jsonl, row 7, column enabled: is 'x', neither on nor off: "
        "write one of true, yes, 1, 是, 启用, false, no, 0, 否, 停用",
        "faq.jsonl, row 7, column valid_from: is 'soon', no date or time: "
        "write a date such as 2026-11-24 or 2026-11-24T08:30+08:00",
        "faq.jsonl, row 7, column note: holds a NUL character: take it out, or save the file as UTF-8",
    ]


def test_an_answer_may_be_empty_where_that_is_allowed():
    assert entry_of(question="How?", answer=" ", allow_empty_answer=True).answer is None
    assert entry_of(question="How?", allow_empty_answer=True).answer is None


def test_an_entry_may_have_a_thousand_phrasings():
    assert len(entry_of(question="q", similar=[f"q{n}" for n in range(999)], answer="a").phrasings) == 1_000
    assert complaints_of(question="q", similar=[f"q{n}" for n in range(1_000)], answer="a") == [
        "faq.jsonl, row 7, column similar: makes 1,001 phrasings of one entry, the limit is 1,000: "
        "keep those that differ most"
    ]


@pytest.mark.parametrize("until", ["2026-01-01", "2025-12-31", "2026-01-01T08:00+08:00"])
def test_an_entry_must_end_after_it_begins(until):
    assert complaints_of(question="q", answer="a", valid_from="2026-01-01", valid_until=until) == [
        "faq.jsonl, row 7, column valid_until: is not after valid_from: swap the two, or correct one"
    ]


def test_metadata_keeps_json_values_and_drops_absent_ones():
    assert entry_of(question="q", answer="a", n=1, list=[None], empty="", absent=None).metadata == {
        "n": 1,
        "list": [None],
        "empty": "",
    }


def test_an_object_called_metadata_is_spread_out():
    assert entry_of(question="q", answer="a", n=1, metadata={"m": None}).metadata == {"n": 1, "m": None}
    assert entry_of(question="q", answer="a", metadata="x").metadata == {"metadata": "x"}


def test_metadata_that_stands_twice_is_a_complaint():
    assert complaints_of(question="q", answer="a", n=1, metadata={"n": 2}) == [
        "faq.jsonl, row 7, column metadata: 'n' stands in it and beside it: keep one of the two"
    ]


def test_metadata_over_the_limit_is_a_complaint():
    (complaint,) = complaints_of(question="q", answer="a", a="x" * 40_000, b="x" * 40_000)
    assert complaint.startswith("faq.jsonl, row 7: the metadata takes 80,0")


def check_sheet(tag=None, **cells):
    checker = RowChecker(
        "faq.xlsx", find_columns("faq.xlsx", list(cells), answer_required=False), allow_empty_answer=True, tag=tag
    )
    return checker.check(Row(number=7, sheet="FAQ", cells=cells))


def test_numbers_of_a_workbook_are_texts_in_fields_and_numbers_in_metadata():
    entry = check_sheet(
        id=123, question=404, similar=405, answer=95555, tags=2026, enabled=1, room=12, price=9.5, open=True
    ).entry
    assert (entry.id, entry.phrasings, entry.answer, entry.tags) == ("123", ("404", "405"), "95555", ("2026",))
    assert entry.metadata == {"room": 12, "price": 9.5, "open": True}


def test_a_fraction_in_a_text_field_of_a_workbook_is_a_complaint():
    assert [str(complaint) for complaint in check_sheet(question="q", answer=0.1).complaints] == [
        "faq.xlsx, sheet FAQ, row 7, column answer: is the number 0.1, whose format is not read: "
        "write it as text (format: Text)"
    ]


@pytest.mark.parametrize("column", ["question", "answer", "enabled", "valid_from", "tags", "note"])
def test_an_unreadable_cell_is_a_complaint_in_every_column(column):
    cell = Unreadable(problem="is the error #REF!", fix="correct it")
    complaints = check_sheet(**{"question": "q", "answer": "a", column: cell}).complaints
    assert [str(complaint) for complaint in complaints] == [
        f"faq.xlsx, sheet FAQ, row 7, column {column}: is the error #REF!: correct it"
    ]


def test_the_tag_of_a_sheet_is_one_more_tag():
    assert check_sheet(question="q", tags="a,b", tag="Account, login").entry.tags == ("a", "b", "Account, login")
    assert check_sheet(question="q", tags="a", tag="a").entry.tags == ("a",)


def test_a_checked_row_knows_where_it_stands_and_complains_about_the_column_of_a_field():
    row = check_sheet(标准问="q")
    assert row.place == Place(sheet="FAQ", row=7)
    said = row.complaint("question", Message("is odd"), Message("look at it"))
    assert str(said) == "faq.xlsx, sheet FAQ, row 7, column 标准问: is odd: look at it"
    assert row.complaint("tags", Message("is odd"), Message("look at it")).column == "tags"


@pytest.mark.parametrize(
    ("cells", "identifier"),
    [
        ({"id": "a", "question": "", "answer": "1"}, "a"),
        ({"question": "How?", "answer": ""}, derive_id("How?")),
        ({"id": "\x07", "question": "How?", "answer": "1"}, None),
        ({"question": "\u200b", "answer": "1"}, None),
        ({"question": "", "answer": "1"}, None),
        ({"id": "a", "question": "How?", "answer": "1", "valid_from": "2026-01-02", "valid_until": "2026-01-01"}, "a"),
    ],
)
def test_a_rejected_row_has_the_id_that_its_entry_would_have_where_that_is_known(cells, identifier):
    assert check(**cells).id == identifier


@pytest.mark.parametrize("column", ERROR_COLUMNS.values())
def test_the_column_of_errors_that_we_gave_back_is_never_read(column):
    assert entry_of(question="q", answer="a", note="n", **{column: "row 7: is empty"}).metadata == {"note": "n"}
