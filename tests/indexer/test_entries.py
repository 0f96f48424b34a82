import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.entries import read_entries
from indexer.entry import Entry
from indexer.errors import InputError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VISIBLE = TEXT.map(lambda text: f"文{text}x")


@pytest.fixture
def read(tmp_path):
    def read(content, name="faq.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_entries(path, **options)

    return read


def lines(complaints):
    return [str(complaint) for complaint in complaints]


def test_a_csv_file_becomes_entries(read):
    reading = read("id,问题,相似问1,相似问2,答案,部门\n1,如何退货？,怎么退,,点退货。,客服\n")
    assert reading.entries == (
        Entry(id="1", question="如何退货？", similar=("怎么退",), answer="点退货。", metadata={"部门": "客服"}),
    )
    assert (reading.rows, reading.notices, reading.complaints) == (1, (), ())


def test_a_jsonl_file_becomes_entries(read):
    line = {"id": "a", "question": "How?", "similar": ["In what way?"], "answer": "So.", "tags": ["t"], "n": 3}
    assert read(json.dumps(line), "faq.jsonl").entries == (
        Entry(id="a", question="How?", similar=("In what way?",), answer="So.", tags=("t",), metadata={"n": 3}),
    )


def test_all_bad_rows_are_reported_at_once_in_file_order_and_the_good_ones_are_read(read):
    reading = read(
        "id,question,answer\n"
        "a,one,1\n"
        "b,one,2\n"  # another answer
        "c,,3\n"  # no question
        "d,four,4,x\n"  # a cell too many
        "a,five,5\n"  # an id that stands before
        "f,six,\n"  # no answer
        "g,seven,7\n"
    )
    assert lines(reading.complaints) == [
        "faq.csv, row 3, column question: 'one' (id 'b') stands in row 2 (id 'a') with another answer: "
        "merge the two rows, or index with --allow-conflicts",
        "faq.csv, row 4, column question: is empty: write a question, or take the row out",
        'faq.csv, row 5: has 4 cells, the header has 3: put a cell that holds a comma in "quotes"',
        "faq.csv, row 6, column id: 'a' is the id of row 2 too: give each row an id of its own",
        "faq.csv, row 7, column answer: is empty: write an answer, or index with --allow-empty-answer",
    ]
    assert reading.rows == 7
    assert {"one", "seven"} <= {entry.question for entry in reading.entries}


def test_a_reading_with_complaints_is_refused_where_it_must_be_clean(read):
    reading = read("question,answer\na,\nb,\n")
    with pytest.raises(InputError, match=r"row 2, column answer: is empty: .* \(and 1 more\)") as caught:
        reading.require_clean()
    assert caught.value.complaints == reading.complaints


def test_a_clean_reading_is_given_back(read):
    reading = read("question,answer\na,1\na,1\n")
    assert reading.require_clean() is reading
    assert len(reading.notices) == 1


def test_a_missing_column_is_a_complaint_beside_those_about_rows(read):
    reading = read('{"frage": "a"}\n{\n', "faq.jsonl")
    assert reading.entries == ()
    about_question, about_answer, about_row = lines(reading.complaints)
    assert about_question.startswith("faq.jsonl: has no question column among 'frage'")
    assert about_answer.startswith("faq.jsonl: has no answer column among 'frage'")
    assert about_row.startswith("faq.jsonl, row 2: is not JSON")


def test_a_jsonl_row_that_lacks_a_column_is_a_complaint(read):
    reading = read('{"question": "a", "answer": "1"}\n{"answer": "2"}\n', "faq.jsonl")
    assert [(complaint.row, complaint.column) for complaint in reading.complaints] == [(2, "question")]


def test_columns_can_be_chosen(read):
    reading = read("frage,antwort\na,1\n", columns={"question": "frage", "answer": "antwort"})
    assert [(entry.question, entry.answer) for entry in reading.entries] == [("a", "1")]


def test_a_file_without_answers_is_read_where_that_is_allowed(read):
    assert read("id,question\nx,a\n", allow_empty_answer=True).entries[0].answer is None


def test_a_file_in_another_encoding_is_one_complaint(read):
    reading = read("问题,答案\na,1\n".encode("gbk"))
    assert reading.entries == ()
    (complaint,) = lines(reading.complaints)
    assert complaint.startswith("faq.csv, row 1: is not UTF-8 (byte 0xce at offset 0 of the file)")


def test_an_empty_file_is_an_error(read):
    with pytest.raises(InputError, match=r"faq\.csv: holds no rows"):
        read("")


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.builds(
            Entry,
            id=st.uuids().map(str),
            question=VISIBLE,
            similar=st.lists(VISIBLE, max_size=3).map(tuple),
            answer=st.none() | VISIBLE,
            tags=st.lists(VISIBLE, max_size=2, unique=True).map(tuple),
            metadata=st.dictionaries(TEXT, TEXT | st.none() | st.lists(st.integers()), max_size=2),
            enabled=st.booleans(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_entries_of_a_version_are_read_back_from_its_file(tmp_path_factory, drawn):
    path = tmp_path_factory.getbasetemp() / "entries.jsonl"

    def write_and_read(entries):
        path.write_text("\n".join(json.dumps(entry.to_json()) for entry in entries), encoding="utf-8")
        return read_entries(path, allow_empty_answer=True, allow_conflicts=True).require_clean()

    entries = write_and_read(drawn).entries  # folds what the strategy drew twice
    again = write_and_read(entries)
    assert again.entries == entries
    assert entries[0].id == drawn[0].id
    assert {entry.answer for entry in entries} == {entry.answer for entry in drawn}


def test_fifty_thousand_rows_take_seconds(read):
    content = "id,question,answer\n" + "".join(f"{n},What is number {n}?,Number {n}.\n" for n in range(50_000))
    start = time.perf_counter()
    reading = read(content)
    assert time.perf_counter() - start < 20
    assert len(reading.entries) == 50_000
