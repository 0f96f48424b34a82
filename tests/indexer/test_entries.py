import csv
import io
import json
import re
import secrets
import subprocess
import sys
import time
import warnings
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from indexer.entries import read_entries
from indexer.entry import Entry
from indexer.errors import InputError
from indexer.row import Place
from models import normalise

REPOSITORY = Path(__file__).parents[2]
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
        "a,another one,1\n"
        "b,one,2\n"
        "c,,3\n"  # no question
        "d,four,4,x\n"  # a cell too many
        "a,five,5\n"  # an id that stands before
        "f,six,\n"  # no answer
        "g,Seven,7\n"
        "h,seven,8\n"  # another answer
        ",One,2\n"  # folded
    )
    assert lines(reading.complaints) == [
        "faq.csv, row 2, column id: 'a' is the id of row 6 too: give each row an id of its own",
        "faq.csv, row 4, column question: is empty: write a question, or take the row out",
        'faq.csv, row 5: has 4 cells, the header has 3: put a cell that holds a comma in "quotes"',
        "faq.csv, row 6, column id: 'a' is the id of row 2 too: give each row an id of its own",
        "faq.csv, row 7, column answer: is empty: write an answer, or index with --allow-empty-answer",
        "faq.csv, row 8, column question: 'Seven' (id 'g') stands in row 9 (id 'h') with another answer: "
        "merge the two rows, or index with --allow-conflicts",
        "faq.csv, row 9, column question: 'seven' (id 'h') stands in row 8 (id 'g') with another answer: "
        "merge the two rows, or index with --allow-conflicts",
    ]
    assert (reading.rows, reading.rejected, reading.folded) == (9, 7, 1)
    assert [(entry.id, entry.question) for entry in reading.entries] == [("b", "one")]
    assert reading.places == {"b": Place(row=3)}
    assert reading.rejected_ids == {"a", "c", "f", "g", "h"}
    assert reading.rejected_without_id == 1
    assert reading.faults == ()


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
    assert [complaint.row for complaint in reading.faults] == [None, None]
    assert (reading.rows, reading.rejected) == (2, 1)
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
    reading = read("question,answer\noù,1\n".encode("latin-1"))
    assert reading.entries == ()
    (complaint,) = lines(reading.complaints)
    assert complaint.startswith("faq.csv, row 2: is not UTF-8 (byte 0xf9 at offset 17 of the file)")
    assert (reading.faults, reading.rejected) == (reading.complaints, 0)


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


# The sheet of a Chinese operator

OPERATOR_HEADER = [
    "标准问",
    "相似问1",
    "相似问2",
    "相似问3",
    "相似问4",
    "相似问5",
    "答案",
    "分类",
    "是否启用",
    "生效时间",
]
OPERATOR_ROWS = [
    [
        "怎么申请退款？",
        "退款怎么弄",
        "我要退钱",
        None,
        None,
        None,
        "打开订单，点“申请退款”。",
        "售后",
        "是",
        date(2026, 1, 1),
    ],
    ["可以开发票吗", "怎么开发票", None, None, None, "发票在哪里开", "可以，\n在订单页申请。", "财务,发票", "否", None],
]
OPERATOR_ENTRIES = [
    (
        "怎么申请退款？",
        ("退款怎么弄", "我要退钱"),
        "打开订单，点“申请退款”。",
        ("售后",),
        True,
        datetime(2026, 1, 1, tzinfo=UTC),
    ),
    ("可以开发票吗", ("怎么开发票", "发票在哪里开"), "可以，\n在订单页申请。", ("财务", "发票"), False, None),
]


def told(reading):
    return [
        (entry.question, entry.similar, entry.answer, entry.tags, entry.enabled, entry.valid_from)
        for entry in reading.require_clean().entries
    ]


def test_the_workbook_of_a_chinese_operator_is_read_without_any_option(write_workbook):
    reading = read_entries(write_workbook({"问答": [OPERATOR_HEADER, *OPERATOR_ROWS]}))
    assert told(reading) == OPERATOR_ENTRIES
    assert reading.notices == ()


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("dates", ["%Y-%m-%d", "%Y/%m/%d"])
def test_the_csv_file_of_a_chinese_operator_is_read_without_any_option(read, encoding, dates):
    buffer = io.StringIO(newline="")
    rows = [[cell.strftime(dates) if isinstance(cell, date) else cell for cell in row] for row in OPERATOR_ROWS]
    csv.writer(buffer).writerows([OPERATOR_HEADER, *rows])
    assert told(read(buffer.getvalue().encode(encoding))) == OPERATOR_ENTRIES


# Workbooks


def test_the_name_of_its_sheet_is_a_tag_where_several_hold_rows(write_workbook):
    header = ["question", "answer", "tags"]
    path = write_workbook({"账号, 登录": [header, ["a", "1", "t"]], "empty": [header], "Money": [header, ["b", "2"]]})
    assert [entry.tags for entry in read_entries(path).entries] == [("t", "账号, 登录"), ("Money",)]
    assert [entry.tags for entry in read_entries(path, sheets=["Money"]).entries] == [()]


def test_a_name_of_a_sheet_that_is_no_tag_is_a_complaint(write_workbook):
    rows, name = [["question", "answer"], ["a", "1"]], "x" * 120
    with warnings.catch_warnings(action="ignore"):  # of the library that writes it
        path = write_workbook({name: rows, "B": [*rows[:1], ["b", "2"]]})
    (complaint,) = read_entries(path).complaints
    assert complaint.problem.startswith("has a name that is no tag: has 120 characters, the limit is 100")


def test_a_question_on_two_sheets_is_one_entry_with_both_tags(write_workbook):
    rows = [["question", "answer"], ["a", "1"]]
    reading = read_entries(write_workbook({"A": rows, "B": rows}))
    assert [entry.tags for entry in reading.entries] == [("A", "B")]
    assert list(reading.places.values()) == [Place(sheet="A", row=2)]
    assert lines(reading.notices) == [
        "faq.xlsx, sheet B, row 2, column question: 'a' asks the same as row 2 of sheet 'A', with the same answer: "
        "folded into that row"
    ]


def test_complaints_come_in_the_order_of_sheets_and_rows(write_workbook):
    path = write_workbook(
        {
            "Z": [["question", "answer"], [None, "1"], ["b", "=C9"], ["c", "3", "x"]],
            "Y": [["question", "txt"], ["a", "1"]],
            "A": [["question", "answer"], ["b", None], ["c", "4"]],
        }
    )
    assert [(complaint.sheet, complaint.row, complaint.column) for complaint in read_entries(path).complaints] == [
        ("Z", 2, "question"),
        ("Z", 3, "answer"),
        ("Z", 4, None),
        ("Y", None, None),
        ("A", 2, "answer"),
    ]


def test_a_category_and_an_answer_merged_over_rows_hold_for_each(write_workbook):
    def merge(workbook):
        for cells in ("A2:A4", "C3:C4"):
            workbook["FAQ"].merge_cells(cells)

    rows = [["分类", "问题", "答案"], ["t", "a", "1"], [None, "b", "2"], [None, "c"], ["u", "d", "3"]]
    entries = read_entries(write_workbook({"FAQ": rows}, change=merge)).require_clean().entries
    assert [(entry.question, entry.answer, entry.tags) for entry in entries] == [
        ("a", "1", ("t",)),
        ("b", "2", ("t",)),
        ("c", "2", ("t",)),
        ("d", "3", ("u",)),
    ]


def test_a_question_merged_over_rows_of_similar_ones_is_one_entry(write_workbook):
    def merge(workbook):
        for column in "ABD":
            workbook["FAQ"].merge_cells(f"{column}2:{column}4")

    rows = [["编号", "标准问", "相似问", "答案"], [7, "a", "b", "1"], [None, None, "c"], [None, None, "d"]]
    (entry,) = read_entries(write_workbook({"FAQ": rows}, change=merge)).require_clean().entries
    assert (entry.id, entry.phrasings, entry.answer) == ("7", ("a", "b", "c", "d"), "1")


MEASURED = """
import pathlib, re, resource, sys
from indexer.entries import read_entries
print(len(read_entries(pathlib.Path(sys.argv[1])).require_clean().entries))
# of this process since its start; ru_maxrss would also count what started it
print(int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1000)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)
"""


def test_a_workbook_of_fifty_thousand_long_rows_takes_less_than_700_megabytes(good_workbook, tmp_path):
    cell = '<c t="inlineStr"><is><t>{} {} 第 {} 个问题怎么办</t></is></c>'
    row = f"<row>{cell}{cell}</row>".format
    rows = (row("Q", secrets.token_hex(100), n, "A", secrets.token_hex(200), n) for n in range(50_000))
    with zipfile.ZipFile(good_workbook) as old, zipfile.ZipFile(tmp_path / "f.xlsx", "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part).decode()
            if part == "xl/worksheets/sheet1.xml":
                content = re.sub(r"</row><row.*</row>", f"</row>{''.join(rows)}", content)
            new.writestr(part, content)
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "f.xlsx")], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert time.perf_counter() - start < 60
    entries, parent_mb, child_mb = map(int, ran.stdout.split())
    assert entries == 50_000
    assert parent_mb + child_mb < 700


def test_choices_hold_for_the_sheets_that_have_the_column(write_workbook):
    path = write_workbook({"A": [["Frage", "answer"], ["a", "1"]], "B": [["question", "answer"], ["b", "2"]]})
    assert [entry.question for entry in read_entries(path, columns={"question": "Frage"}).entries] == ["a", "b"]


@pytest.mark.parametrize("columns", [{"question": "Nope"}, {"frage": "question"}])
@pytest.mark.parametrize("name", ["faq.csv", "faq.jsonl", "faq.xlsx"])
def test_a_choice_that_is_none_is_one_complaint(write_workbook, name, columns):
    rows = [["Title"], ["question", "answer"], ["a", "1"], ["b", "2"]]
    path = write_workbook({"A": rows, "B": rows}, "faq.xlsx").with_name(name)
    if name == "faq.csv":
        path.write_text("\n".join(",".join(row) for row in rows))
    elif name == "faq.jsonl":
        path.write_text('{"question": "a", "answer": "1"}\n')
    reading = read_entries(path, columns=columns)
    assert len(reading.complaints) == len(reading.faults) == 1
    assert reading.sheets == ()


# Round trips of cells

# What a workbook holds: no control characters, no carriage returns (XML makes line feeds of them), no _x0041_.
CELL = (
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="_\ufffe\uffff", include_characters="\n\t"),
        max_size=30,
    )
    .filter(lambda text: not text.startswith("="))
    .map(lambda text: f"{text}文")
)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12)


def expected_entries(rows):
    return [(question.strip(), answer, {"note": note}) for question, answer, note in rows]


def unique_questions(rows):
    """Drop rows that would be folded, or whose question is split or too alike to another."""
    keys = {normalise.key(row[0].strip()): row for row in rows}
    return list(keys.values())


@settings(deadline=None, max_examples=25)
@given(ROWS)
def test_cells_come_back_from_a_workbook_as_they_went_in(tmp_path_factory, drawn):
    rows = unique_questions(drawn)
    path = tmp_path_factory.getbasetemp() / "cells.xlsx"
    workbook = Workbook()
    for row in [("question", "answer", "note"), *rows]:
        workbook.active.append(row)
    workbook.save(path)
    entries = read_entries(path).require_clean().entries
    assert [(entry.question, entry.answer, entry.metadata) for entry in entries] == expected_entries(rows)


@settings(deadline=None, max_examples=100)
@given(
    ROWS,
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_cells_come_back_from_every_kind_of_csv_file_as_they_went_in(
    tmp_path_factory, drawn, delimiter, encoding, quoting, line_end, sep_line
):
    chinese = "怎么修改收货地址？打开订单，点“修改地址”，填写新的地址后提交。" * 20
    rows = unique_questions(
        [(f"{chinese[:30]}{question}", f"{chinese}{answer}", note) for question, answer, note in drawn]
    )
    buffer = io.StringIO(newline="")
    if sep_line:
        buffer.write(f"sep={delimiter}{line_end}")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerows([("question", "answer", "note"), *rows])
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    entries = read_entries(path).require_clean().entries
    assert [(entry.question, entry.answer, entry.metadata) for entry in entries] == expected_entries(rows)
