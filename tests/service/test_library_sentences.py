from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from models.message import Message
from service.library_sentences import as_message


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, "nine"),
        (int, 1.5),
        (int, []),
        (bool, "maybe"),
        (bool, []),
        (str, 3),
        (tuple[str, ...], 3),
        (Annotated[int, Field(ge=1)], 0),
        (Annotated[int, Field(le=65535)], 70000),
    ],
)
def test_what_pydantic_says_of_a_setting_is_a_message_with_the_same_words(kind, value):
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(kind).validate_python(value)
    sentence = raised.value.errors()[0]["msg"]
    assert isinstance(as_message(sentence), Message)
    assert as_message(sentence) == sentence


def test_what_is_filled_in_stays_apart_from_the_words():
    message = as_message("Input should be less than or equal to 100")
    assert message.translated(lambda _: "höchstens {bound}") == "höchstens 100"


@pytest.mark.parametrize("sentence", ["Missing option '--kb'.", "Value error, Missing option '--kb'"])
def test_the_full_stop_and_the_mark_of_pydantic_are_left_out(sentence):
    assert as_message(sentence) == "Missing option '--kb'"


def test_a_sentence_that_is_not_known_stays_as_it_is():
    assert as_message("Input should be a valid date") == "Input should be a valid date"


def test_a_message_stays_the_one_it_is():
    message = Message("it is blank")
    assert as_message(message) is message
