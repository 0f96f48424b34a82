"""A message as JSON, on its way between two processes that do not trust each other enough for a pickle."""

from collections.abc import Mapping
from typing import Any

from models.message import Message


def to_json(message: Message) -> dict[str, Any]:
    """Give the template and the values of a message, which are numbers, texts and messages."""
    values = {name: to_json(value) if isinstance(value, Message) else value for name, value in message.values.items()}
    return {"template": message.template, "values": values}


def from_json(sent: Mapping[str, Any]) -> Message:
    """Read back what `to_json` gave."""
    values = {name: from_json(value) if isinstance(value, dict) else value for name, value in sent["values"].items()}
    # As a pickle does: Message(...) is for literals, and this one stands where the message was made.
    return Message.__new__(Message, sent["template"], **values)
