"""A line for the person at the terminal that can still be said in another language after it was written in English."""

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any, Self


class Message(str):
    """An English line, made by filling a template, which it remembers together with what was filled in.

    `Message("{file} has {count:,} rows", file=name, count=3)` is the string `faq.csv has 3 rows`. A value may be a
    Message itself, or an error that has one. Below the command line nothing needs to know that there are languages.
    """

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        """Fill the template; raises KeyError where a value is missing."""
        line = super().__new__(cls, template.format_map(values))
        line.template = template
        line.values = values
        return line

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """Give what makes the same message again: messages cross process borders."""
        return (self.template,), dict(self.values)

    def translated(self, template_in: Callable[[str], str]) -> str:
        """Give the line in another language: `template_in` gives the template there."""
        values = {name: _translated(value, template_in) for name, value in self.values.items()}
        return template_in(self.template).format_map(values)


def joined(parts: list[Message], by: Message) -> Message:
    """Give the parts in one line, with `by` between them."""
    names = [f"part{number}" for number in range(len(parts))]
    return Message("{by}".join(f"{{{name}}}" for name in names), by=by, **dict(zip(names, parts, strict=True)))


def printable(line: str) -> str:
    """Give a line whatever it holds: a line feed would break it in two, a lone surrogate could not be printed."""
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def reason_of(error: Exception) -> str:
    """Give what an error says: the Message that it was made with, which can be translated, else its text."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Message) else str(error)


def fields_of(template: str) -> frozenset[str]:
    """Give the names of what a template takes."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def message_of(value: object) -> Message | None:
    """Give what can be translated of a value: a message, or that of whatever carries one."""
    message = value if isinstance(value, Message) else getattr(value, "message", None)
    return message if isinstance(message, Message) else None


def _translated(value: object, template_in: Callable[[str], str]) -> Any:  # noqa: ANN401 (whatever the template formats)
    message = message_of(value)
    return value if message is None else message.translated(template_in)
