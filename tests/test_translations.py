"""Everything the command line says stands in the catalogue, and the catalogue holds nothing else."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from babel.messages.pofile import read_po
from typer import core, rich_utils

from models.message import fields_of
from service.cli import app

ROOT = Path(__file__).parents[1]
SOURCES = [path for floor in ("models", "indexer", "service") for path in (ROOT / floor).rglob("*.py")]
with (ROOT / "service" / "locale" / "zh" / "LC_MESSAGES" / "faqmatch.po").open("rb") as file:
    CATALOGUE = {message.id: message for message in read_po(file, locale="zh") if message.id}


def templates(source: str) -> Iterator[str]:
    """Give the literal that each Message is made of; anything else could not be looked up."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message":
            template = node.args[0]
            assert isinstance(template, ast.Constant), f"line {node.lineno}: a Message needs a literal template"
            yield template.value


def helps(command) -> Iterator[str]:
    yield inspect.cleandoc(command.help or "")
    yield from (parameter.help for parameter in command.params if parameter.name != "help")
    for inner in getattr(command, "commands", {}).values():
        yield from helps(inner)


def words_of_typer() -> Iterator[str]:
    for module in (core, rich_utils):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                yield node.args[0].value


SAID = {
    template
    for path in SOURCES
    if path != ROOT / "models" / "message.py"
    for template in templates(path.read_text(encoding="utf-8"))
} | {text for text in helps(typer.main.get_command(app)) if text}


def test_every_message_and_every_help_text_is_translated():
    assert sorted(SAID - CATALOGUE.keys()) == []


def test_the_catalogue_holds_nothing_that_is_no_longer_said():
    assert sorted(CATALOGUE.keys() - SAID - set(words_of_typer())) == []


@pytest.mark.parametrize("template", sorted(CATALOGUE))
def test_a_translation_is_whole_and_fills_in_the_same(template):
    message = CATALOGUE[template]
    assert message.string.strip()
    assert not message.fuzzy
    assert fields_of(message.string) == fields_of(template)
    assert any("\u4e00" <= character <= "\u9fff" for character in message.string) or not any(
        word.isalpha() and word.islower() for word in template.replace("{", " {").split()
    ), "still in English"


def test_an_untranslated_message_is_found():
    assert list(templates('raise E(Message("a {b}", b=1))')) == ["a {b}"]
    with pytest.raises(AssertionError, match="literal"):
        list(templates("Message(template)"))
