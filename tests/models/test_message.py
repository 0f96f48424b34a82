import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import ModelDirectoryError
from models.message import Message, fields_of, joined, message_of, printable, reason_of

GERMAN = {"{count:,} rows in {place}": "{place}: {count:,} Zeilen", "sheet {sheet}": "Blatt {sheet}", ", ": "; "}


def german(template: str) -> str:
    return GERMAN.get(template, template)


def test_a_message_is_its_english_line():
    assert Message("{count:,} rows in {place}", count=1234, place="a") == "1,234 rows in a"


def test_a_message_is_said_in_another_language_with_all_that_was_filled_in():
    place = Message("sheet {sheet}", sheet="{x}")
    assert Message("{count:,} rows in {place}", count=1234, place=place).translated(german) == "Blatt {x}: 1,234 Zeilen"


def test_an_error_within_a_message_is_translated_too():
    error = ModelDirectoryError(Message("sheet {sheet}", sheet="a"))
    assert Message("{error}!", error=error).translated(german) == "Blatt a!"


def test_messages_are_joined_and_stay_translatable():
    parts = [Message("sheet {sheet}", sheet=name) for name in "ab"]
    line = joined(parts, Message(", "))
    assert line == "sheet a, sheet b"
    assert line.translated(german) == "Blatt a; Blatt b"
    assert joined([], Message(", ")) == ""


@given(st.text(), st.integers())
def test_a_message_crosses_a_process_border_whole(name, count):
    message = Message("{count:,} rows in {place}", count=count, place=Message("sheet {sheet}", sheet=name))
    copy = pickle.loads(pickle.dumps(message))
    assert copy == message
    assert copy.translated(german) == message.translated(german)


def test_a_value_that_is_missing_is_no_message():
    with pytest.raises(KeyError, match="place"):
        Message("{count:,} rows in {place}", count=1)


def test_what_an_error_says_is_its_message_where_it_was_made_of_one():
    message = Message("sheet {sheet}", sheet="a")
    assert reason_of(ValueError(message)) is message
    assert reason_of(ModelDirectoryError(message)) is message
    assert [reason_of(error) for error in (ValueError("foreign"), KeyError("dim"), ValueError())] == [
        "foreign",
        "'dim'",
        "",
    ]


def test_the_fields_of_a_template():
    assert fields_of("{count:,} rows in {place!r} {{no}}") == {"count", "place"}


@given(st.text())
def test_a_printable_line_is_one_line(text):
    assert printable(text).isprintable()
    assert not text.isprintable() or printable(text) == text


def test_what_carries_a_message_gives_it_and_other_values_none():
    message = Message("sheet {sheet}", sheet="a")
    assert message_of(message) is message
    assert message_of(ModelDirectoryError(message)) is message
    assert message_of("sheet a") is None
    assert message_of(OSError("sheet a")) is None
