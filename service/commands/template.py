"""`faqmatch template`: a sheet to fill in."""

from pathlib import Path

from indexer.template import write_template
from models.message import Message
from service.commands.terminal import say


def template(file: Path, language: str) -> None:
    """Write the template and say what to do with it."""
    write_template(file, language)
    say(Message("{file}: fill it in, then look at it with: faqmatch index {file} --kb NAME --check", file=file))
