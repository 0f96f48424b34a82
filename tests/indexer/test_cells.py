from datetime import UTC, datetime

import pytest

from indexer import cells
from indexer.cells import CellError
from indexer.row import Unreadable
from models.message import Message

PARSERS = [
    cells.parse_id,
    cells.parse_question,
    cells.parse_similar,
    cells.parse_answer,
    cells.parse_required_answer,
    cells.parse_tags,
    cells.parse_time,
]


def problem_of(parse, cell):
    with pytest.raises(CellError) as caught:
        parse(cell)
    return caught.value.problem


@pytest.mark.parametrize("parse", PARSERS)
def test_an_object_is_no_text(parse):
    assert problem_of(parse, {"a": 1}) == "is an object, not text"


@pytest.mark.parametrize("parse", PARSERS)
def test_a_nul_character_is_refused_in_every_text(parse):
    assert problem_of(parse, "a\0b") == "holds a NUL character"


@pytest.mark.parametrize("parse", PARSERS)
def test_half_a_character_is_refused_in_every_text(parse):
    assert problem_of(parse, "a\ud83d") == "holds half a character (the surrogate \\ud83d)"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(3, "the number 3"), (1.5, "the number 1.5"), (True, "true"), ([], "a list"), ({}, "an object")],
)
def test_a_wrong_type_is_named(cell, shown):
    assert problem_of(cells.parse_question, cell) == f"is {shown}, not text"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("10_QA/0001-1/0", "10_QA/0001-1/0"),
        ("重置 密码", "重置 密码"),
        (7, "7"),
        (None, None),
        (" ", None),
        ("x" * 200,) * 2,
    ],
)
def test_an_id_is_kept_as_it_stands(cell, value):
    assert cells.parse_id(cell) == value


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("a\nb", r"holds a control character in 'a\nb'"),
        ("x" * 201, f"has 201 characters, the limit is 200: '{'x' * 59}…'"),
        (True, "is true, not text"),
        (1.0, "is the number 1, not text"),
    ],
)
def test_an_id_is_refused(cell, problem):
    assert problem_of(cells.parse_id, cell) == problem


def test_a_question_is_stripped():
    assert cells.parse_question("  How? \n") == "How?"


@pytest.mark.parametrize("cell", [None, "", " \n\u3000"])
def test_an_empty_question_is_refused(cell):
    assert problem_of(cells.parse_question, cell) == "is empty"


@pytest.mark.parametrize("parse", [cells.parse_question, cells.parse_similar])
def test_a_phrasing_of_a_thousand_characters_is_long_enough(parse):
    assert parse(" " + "x" * 1_000 + " ") in ("x" * 1_000, ("x" * 1_000,))
    assert problem_of(parse, "x" * 2_000).startswith("has 2,000 characters, the limit is 1,000: ")


@pytest.mark.parametrize(
    ("cell", "phrasings"),
    [
        (["a||b", " c ", "", "d\ne"], ("a||b", "c", "d\ne")),
        ("a || b|c\nd\r\n\r\ne||", ("a", "b|c", "d", "e")),
        (None, ()),
        ("", ()),
        ([], ()),
    ],
)
def test_similar_phrasings_are_a_list_or_text_that_is_split(cell, phrasings):
    assert cells.parse_similar(cell) == phrasings


@pytest.mark.parametrize(("cell", "shown"), [(["a", None], "null"), (["a", 1], "the number 1"), ([["a"]], "a list")])
def test_a_list_of_phrasings_holds_only_text(cell, shown):
    assert problem_of(cells.parse_similar, cell) == f"is {shown}, not text"


def test_an_answer_is_kept_verbatim():
    assert cells.parse_answer(" Press\r\n it. \n") == " Press\r\n it. \n"


@pytest.mark.parametrize("cell", [None, "", " \n"])
def test_a_blank_answer_is_none_where_it_may_be_missing_and_refused_where_not(cell):
    assert cells.parse_answer(cell) is None
    assert problem_of(cells.parse_required_answer, cell) == "is empty"


def test_an_answer_has_a_limit():
    assert cells.parse_answer("x" * 100_000) == "x" * 100_000
    assert problem_of(cells.parse_answer, "x" * 100_001).startswith("has 100,001 characters, the limit is 100,000")


@pytest.mark.parametrize("cell", ["a, b，c;d；e|f,,a", ["a", " b", "c", "d", "e", "f", "b"]])
def test_tags_are_a_list_or_text_that_is_split_each_once(cell):
    assert cells.parse_tags(cell) == ("a", "b", "c", "d", "e", "f")


def test_a_tag_in_a_list_is_not_split():
    assert cells.parse_tags(["a, b"]) == ("a, b",)


def test_a_tag_has_a_limit():
    assert problem_of(cells.parse_tags, "a," + "x" * 101).startswith("has 101 characters, the limit is 100")


@pytest.mark.parametrize("cell", [True, 1, "1", "TRUE", " yes ", "是", "启用", None, ""])
def test_an_entry_is_switched_on(cell):
    assert cells.parse_enabled(cell) is True


@pytest.mark.parametrize("cell", [False, 0, "0", "False", "no", "否", "停用"])
def test_an_entry_is_switched_off(cell):
    assert cells.parse_enabled(cell) is False


@pytest.mark.parametrize(
    ("cell", "shown"), [("maybe", "'maybe'"), (2, "the number 2"), (1.0, "the number 1"), ([True], "a list")]
)
def test_anything_else_is_no_switch(cell, shown):
    assert problem_of(cells.parse_enabled, cell) == f"is {shown}, neither on nor off"


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026/11/24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026/1/5 8:30", datetime(2026, 1, 5, 8, 30, tzinfo=UTC)),
        (" 2026-11-24T08:30:15Z ", datetime(2026, 11, 24, 8, 30, 15, tzinfo=UTC)),
        ("2026-11-24 08:30+08:00", datetime(2026, 11, 24, 0, 30, tzinfo=UTC)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC)),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_iso_8601_or_what_spreadsheets_write(cell, time):
    assert cells.parse_time(cell) == time


@pytest.mark.parametrize("cell", ["tomorrow", "2026-02-30", "24.11.2026", "2026/11", "0001-01-01T00:00+08:00"])
def test_anything_else_is_no_time(cell):
    assert problem_of(cells.parse_time, cell) == f"is '{cell}', no date or time"


def test_metadata_holds_any_json():
    cells.check_metadata({"a": [1, None, {"b": "文"}], "c": 1.5, "d": True})


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"a": [{"b": "\0"}]}, "holds a NUL character"),
        ({"\ud800": 1}, "holds half a character (the surrogate \\ud800)"),
        ({"a": [float("inf")]}, "holds a number too large for JSON"),
    ],
)
def test_metadata_that_could_not_be_written_again_is_refused(metadata, problem):
    assert problem_of(cells.check_metadata, metadata) == problem


def test_metadata_may_be_nested_only_so_deep():
    def nested(depth):
        value = {}
        for _ in range(depth - 1):
            value = {"a": [value]} if depth % 2 else {"a": value}
        return value

    cells.check_metadata(nested(32))
    assert problem_of(cells.check_metadata, nested(100)) == "is nested deeper than 32 levels"


def test_metadata_has_a_limit_in_bytes_of_utf_8():
    room = 64_000 - len('{"a": ""}')
    cells.check_metadata_size({"a": "x" * room})
    assert problem_of(cells.check_metadata_size, {"a": "文" * (room // 3 + 1)}).startswith("the metadata takes 64,00")


@pytest.mark.parametrize(
    ("cell", "text"),
    [(404, "404"), (123, "123"), (10**15, "1000000000000000"), (-1, "-1"), ("a", "a"), (None, None), (True, True)],
)
def test_a_whole_number_of_a_workbook_is_the_text_of_its_digits(cell, text):
    assert cells.as_text(cell) == text


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (0.1, "is the number 0.1, whose format is not read"),
        (2**53 + 1, "is the number 9007199254740993, of which Excel keeps 15 digits"),
        (1.5e300, "is the number 1.5e+300, of which Excel keeps 15 digits"),
    ],
)
def test_a_number_that_may_not_look_like_its_digits_is_refused(cell, problem):
    assert problem_of(cells.as_text, cell) == problem


def test_a_cell_whose_value_nobody_knows_is_refused():
    assert cells.readable("a") == "a"
    unreadable = Unreadable(problem=Message("is the error #REF!"), fix=Message("x"))
    assert problem_of(cells.readable, unreadable) == "is the error #REF!"


@pytest.mark.parametrize(
    ("cell", "shown"), [([1], "数字 1"), ([[]], "列表"), ([{"a": 1}], "对象"), ([0.5], "数字 0.5"), ([None], "null")]
)
def test_what_a_cell_is_and_should_be_is_said_in_another_language(cell, shown):
    chinese = {
        "is {shown}, not text": "是{shown}，不是文本",
        "the number {number}": "数字 {number}",
        "the number {number:.15g}": "数字 {number:.15g}",
        "a list": "列表",
        "an object": "对象",
        "{fix}, each of them text": "{fix}，每项均为文本",
        "write a list of tags": "请填写标签列表",
    }
    with pytest.raises(CellError) as caught:
        cells.parse_tags(cell)
    assert caught.value.fix == "write a list of tags, each of them text"
    assert caught.value.problem.translated(chinese.__getitem__) == f"是{shown}，不是文本"
    assert caught.value.fix.translated(chinese.__getitem__) == "请填写标签列表，每项均为文本"
