"""What typer and pydantic say about a value, in English alone, as messages of ours."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from models.message import Message

_WHOLE: Final[Mapping[str, Message]] = {
    message: message
    for message in (
        Message("Missing command"),
        Message("Input should be a valid integer"),
        Message("Input should be a valid integer, unable to parse string as an integer"),
        Message("Input should be a valid integer, got a number with a fractional part"),
        Message("Input should be a valid boolean"),
        Message("Input should be a valid boolean, unable to interpret input"),
        Message("Input should be a valid string"),
        Message("Input should be a valid tuple"),
    )
}
_FILLED_IN: Final[Mapping[str, Callable[[Mapping[str, str]], Message]]] = {
    r"Missing option (?P<option>.+)": lambda found: Message("Missing option {option}", **found),
    r"Missing argument (?P<argument>.+)": lambda found: Message("Missing argument {argument}", **found),
    r"No such command (?P<command>.+)\. Did you mean (?P<names>.+)\?": lambda found: Message(
        "No such command {command} (did you mean {names}?)", **found
    ),
    r"No such command (?P<command>.+)": lambda found: Message("No such command {command}", **found),
    r"No such option: (?P<option>.+) \(Possible options: (?P<names>.+)\)": lambda found: Message(
        "No such option: {option} (Possible options: {names})", **found
    ),
    r"No such option: (?P<option>.+)": lambda found: Message("No such option: {option}", **found),
    r"Option (?P<option>.+) requires an argument": lambda found: Message(
        "Option {option} requires an argument", **found
    ),
    r"Option (?P<option>.+) does not take a value": lambda found: Message(
        "Option {option} does not take a value", **found
    ),
    r"Got unexpected extra argument\(s\) \((?P<words>.+)\)": lambda found: Message(
        "Got unexpected extra argument(s) ({words})", **found
    ),
    r"(?P<value>.+) is not one of (?P<choices>.+)": lambda found: Message("{value} is not one of {choices}", **found),
    r"Input should be greater than or equal to (?P<bound>.+)": lambda found: Message(
        "Input should be greater than or equal to {bound}", **found
    ),
    r"Input should be less than or equal to (?P<bound>.+)": lambda found: Message(
        "Input should be less than or equal to {bound}", **found
    ),
}
"""A pattern of the sentence to what says the same; the first one that fits."""


def as_message(sentence: str) -> str:
    """Give the message that says the same, without the full stop; a sentence that is not known as it is."""
    if isinstance(sentence, Message):
        return sentence
    sentence = sentence.removeprefix("Value error, ").removesuffix(".")
    for pattern, message in _FILLED_IN.items():
        if match := re.fullmatch(pattern, sentence, re.DOTALL):
            return message(match.groupdict())
    return _WHOLE.get(sentence, sentence)
