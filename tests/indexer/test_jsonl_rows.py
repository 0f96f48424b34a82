import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.complaint import Complaint
from indexer.jsonl_rows import jsonl_rows
from indexer.row import Row

FILE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


def read(content):
    return list(jsonl_rows("a.jsonl", content if isinstance(content, bytes) else content.encode()))


def row(number, **cells):
    return Row(number=number, cells=cells)


def complaint_of(rows):
    (complaint,) = (row for row in rows if isinstance(row, Complaint))
    return complaint


def test_a_jsonl_file_gives_a_row_for_every_object():
    assert read('{"q": "1", "n": [1, null]}\n \n{"q": true}\n') == [row(1, q="1", n=[1, None]), row(3, q=True)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_of_the_three_ways(end):
    assert read(end.join(['{"q": 1}', "", '{"q": 2}'])) == [row(1, q=1), row(3, q=2)]


def test_a_line_separator_inside_a_text_ends_no_line():
    assert read('{"q": "a\u2028b\u0085c"}') == [row(1, q="a\u2028b\u0085c")]


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert read(b'\xef\xbb\xbf{"q": 1}\n') == [row(1, q=1)]


def test_another_encoding_is_one_complaint_with_line_and_offset():
    assert str(complaint_of(read(b"one\r\ntwo\n" + "问".encode("gbk")))) == (
        "a.jsonl, row 3: is not UTF-8 (byte 0xce at offset 9 of the file): "
        'save the file as UTF-8 (in Excel: "CSV UTF-8")'
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"q": "1"', "is not JSON (Expecting ',' delimiter, at character"),
        ('{"q": "a\tb"}', "is not JSON (Invalid control character"),
        ("[1]", "is JSON but no object"),
        ("null", "is JSON but no object"),
        ('{"q": 1, "q": 2}', "the key 'q' stands twice"),
        ('{"n": {"x": 1, "x": 2}}', "the key 'x' stands twice"),
        ('{"q": NaN}', "NaN is no JSON number"),
        ('{"q": -Infinity}', "-Infinity is no JSON number"),
        ('{"q": ' + "9" * 5000 + "}", "is not plain JSON"),
        ('{"q": ' + "[" * 100_000, "is nested too deeply"),
        ('{"q": "' + "x" * 10_000_000 + '"}', "has more than 10 MB in one row"),
        ('{"q": "' + "问" * 3_400_000 + '"}', "has more than 10 MB in one row"),
    ],
    ids=range(12),
)
def test_a_broken_line_is_a_complaint_and_the_others_are_read(line, problem):
    rows = read(f'{{"q": 0}}\n{line}\n{{"q": 3}}\n')
    assert [row.number for row in rows if isinstance(row, Row)] == [1, 3]
    assert complaint_of(rows).row == 2
    assert problem in complaint_of(rows).problem


@pytest.mark.parametrize(
    ("line", "reason"), [('{"q": 1, "q": 2}', "键 'q' 出现了两次"), ('{"q": NaN}', "NaN 不是 JSON 数字")]
)
def test_what_is_not_plain_is_said_in_another_language(line, reason):
    chinese = {
        "is not plain JSON ({reason})": "不是规范的 JSON（{reason}）",
        "the key {key} stands twice": "键 {key} 出现了两次",
        "{name} is no JSON number": "{name} 不是 JSON 数字",
    }
    (complaint,) = read(line)
    assert complaint.problem.translated(chinese.__getitem__) == f"不是规范的 JSON（{reason}）"


def test_a_key_that_stands_twice_is_found_among_many_in_no_time():
    keys = ", ".join(f'"{number}": 0' for number in range(200_000))
    start = time.perf_counter()
    assert "the key '199999' stands twice" in complaint_of(read(f'{{{keys}, "199999": 1}}')).problem
    assert time.perf_counter() - start < 5


@settings(deadline=None)
@given(st.lists(st.dictionaries(WORDS, FILE_TEXT | st.lists(FILE_TEXT, max_size=2)), min_size=1), st.booleans())
def test_what_the_json_module_writes_is_read_back(objects, ascii_only):
    lines = [json.dumps(cells, ensure_ascii=ascii_only) for cells in objects]
    assert read("\n".join(lines)) == [Row(number=i, cells=cells) for i, cells in enumerate(objects, start=1)]
