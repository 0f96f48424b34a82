import pytest
import typer

from models.message import Message
from service.cli import app
from service.usage_errors import explain

COMMANDS = typer.main.get_command(app)


def mistake(line: str) -> typer.TyperException:
    """Give what typer says of a command line."""
    with pytest.raises(typer.TyperException) as raised:
        COMMANDS.main(line.split(), prog_name="faqmatch", standalone_mode=False)
    return raised.value


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("versions", "Missing option '--kb': see faqmatch versions --help"),
        ("index --kb shop", "Missing argument 'file': see faqmatch index --help"),
        ("versions --kb", "Option '--kb' requires an argument: see faqmatch --help"),
        ("ask x --json=1", "Option '--json' does not take a value: see faqmatch --help"),
        ("serv", "No such command 'serv' (did you mean 'serve'?): see faqmatch --help"),
        ("model xyz", "No such command 'xyz': see faqmatch model --help"),
        ("versions --kbb x", "No such option: --kbb (Possible options: --kb): see faqmatch versions --help"),
        ("versions -x", "No such option: -x: see faqmatch versions --help"),
        ("versions a --kb b", "Got unexpected extra argument(s) (a): see faqmatch versions --help"),
        (
            "ask x --kb b --top 0",
            "Invalid value for '--top': Input should be greater than or equal to 1: see faqmatch ask --help",
        ),
        (
            "ask x --kb b --top 101",
            "Invalid value for '--top': Input should be less than or equal to 100: see faqmatch ask --help",
        ),
        (
            "ask x --kb b --top x",
            "Invalid value for '--top': Input should be a valid integer, unable to parse string as an integer: "
            "see faqmatch ask --help",
        ),
        (
            "template faq.csv --language fr",
            "Invalid value for '--language': 'fr' is not one of 'en', 'zh': see faqmatch template --help",
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_way_to_the_help_and_can_be_said_in_every_language(line, told):
    message = explain(mistake(line))
    assert message == told
    assert isinstance(message.values["problem"], Message)
    assert isinstance(message.values["problem"].values.get("reason", message), Message)


def test_a_reason_of_ours_stays_a_message():
    error = typer.BadParameter(Message("it is blank"), param=COMMANDS.commands["ask"].params[0])
    message = explain(error)
    assert message == "Invalid value for 'question': it is blank: see faqmatch --help"
    assert isinstance(message.values["problem"].values["reason"], Message)


def test_a_sentence_that_is_not_known_is_passed_on():
    assert explain(typer.TyperException("Something new.")) == "Something new: see faqmatch --help"


def test_where_the_help_was_shown_there_is_nothing_to_add(capsys):
    assert explain(mistake("model")) is None
    assert "convert" in capsys.readouterr().out
