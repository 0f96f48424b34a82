"""The help of the command line in the language of this process."""

import inspect
from gettext import gettext
from typing import Any

import typer
from rich.markup import escape
from typer.core import HAS_RICH

from models.message import Message
from service.language import translate


def translate_help(command: Any) -> None:  # noqa: ANN401 (its class is private to typer)
    """Let the help of a command, of its parameters and of the commands below it speak the language of `speak`."""
    command.help = _said(command.help)
    command.short_help = _said(command.short_help)
    for parameter in command.params:
        parameter.help = _said(parameter.help)
    if help_option := command.get_help_option(typer.Context(command)):
        help_option.help = translate(Message("Show this message and exit."))
    for inner in getattr(command, "commands", {}).values():
        translate_help(inner)


def _said(text: str | None) -> str | None:
    """Give a text as the catalogue has it, to be shown to the letter: rich would take `[default: …]` for markup."""
    if not text:
        return text
    said = gettext(inspect.cleandoc(text))
    return escape(said) if HAS_RICH else said
