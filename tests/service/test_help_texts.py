import gettext
from collections.abc import Callable, Iterator

import pytest
import typer
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from service.cli import app
from service.help_texts import translate_help


@pytest.fixture
def speak(tmp_path, monkeypatch) -> Iterator[Callable[[dict[str, str]], None]]:
    """Speak by a catalogue of one's own."""

    def speak(texts: dict[str, str]) -> None:
        catalogue = Catalog(locale="zh")
        for english, other in texts.items():
            catalogue.add(english, other)
        file = tmp_path / "zh" / "LC_MESSAGES" / "example.mo"
        file.parent.mkdir(parents=True)
        with file.open("wb") as compiled:
            write_mo(compiled, catalogue)
        monkeypatch.setenv("LANGUAGE", "zh")
        gettext.bindtextdomain("example", tmp_path)
        gettext.textdomain("example")

    yield speak
    gettext.textdomain("messages")


def test_the_help_of_commands_of_what_they_take_and_of_commands_below_is_translated(speak):
    speak(
        {
            "Match one question in this process, every stage explained.": "匹配一个问题",
            "Candidates shown.": "候选条目数",
            "Print the card of a model.": "显示模型",
            "Show this message and exit.": "显示帮助",
        }
    )
    command = typer.main.get_command(app)
    translate_help(command)
    ask, show = command.commands["ask"], command.commands["model"].commands["show"]
    assert (ask.help, show.help) == ("匹配一个问题", "显示模型")
    assert [parameter.help for parameter in ask.params if parameter.name == "top"] == ["候选条目数"]
    for inner in (command, ask, show):
        assert inner.get_help_option(typer.Context(inner)).help == "显示帮助"


def test_a_text_that_is_not_in_the_catalogue_stays_as_it_is(speak):
    speak({"Candidates shown.": "候选条目数"})
    command = typer.main.get_command(app)
    translate_help(command)
    assert command.help == "Match a user's question to the FAQ entry that means the same."
    assert command.short_help is None


def test_what_looks_like_markup_is_shown_to_the_letter(faqmatch):
    told = " ".join(faqmatch("versions", "--help", COLUMNS="200").out.split())
    assert "Data folder [default: FAQMATCH_HOME, else ~/.faqmatch]." in told
