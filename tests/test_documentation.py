"""What the documents say can be done can be done: commands, options, variables, links, examples of JSON."""

import json
import os
import re
import shlex
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from benchmarks.__main__ import app as benchmarks_app
from indexer.home import Home
from service.cli import app
from service.language import VARIABLE as LANGUAGE_VARIABLE
from service.schemas import QueryRequest
from service.settings import CONFIG_VARIABLE, PREFIX, Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = [*PAGES, ROOT / "Dockerfile", *sorted((ROOT / "scripts").iterdir())]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOT_RUN_HERE = {"curl", "pip", "export", "docker", "git", "cd", "tar", "sudo", "systemctl"}
"""First words of lines that are only held against bash; the README's curl is run by tests/test_end_to_end.py."""


def blocks(page: Path, *languages: str) -> list[str]:
    return [content for language, content in BLOCK.findall(page.read_text()) if language in languages]


def command_lines(page: Path) -> list[list[str]]:
    """The commands of a page, as words; a prompt and a comment are no part of one."""
    joined = "\n".join(blocks(page, "sh", "bash", "console")).replace("\\\n", " ")
    lines = (re.sub(r"^\$ ", "", line) for line in joined.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse_faqmatch(arguments: list[str]) -> None:
    """Let the command line parse `arguments`, and run nothing."""
    command = typer.main.get_command(app)
    while commands := getattr(command, "commands", None):
        assert arguments, "names no command"
        name, *arguments = arguments
        assert name in commands, f"no such command: {name}"
        command = commands[name]
    command.make_context("faqmatch", arguments)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_of_a_page_is_there_with_its_options(page):
    for words in command_lines(page):
        program, *arguments = words
        while re.fullmatch(r"[A-Z_]+=.*", program):  # a setting in front of the command
            program, *arguments = arguments
        name = Path(program).name
        if name == "faqmatch":
            parse_faqmatch(arguments)
        elif program.startswith("scripts/"):
            assert os.access(ROOT / program, os.X_OK), f"{program} cannot be run"
        elif name in {"python", "python3"}:
            if "-m" in arguments:
                assert find_spec(arguments[arguments.index("-m") + 1]), words
        else:
            assert name in NOT_RUN_HERE, f"nothing here knows how to hold {words} against what there is"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_shell_block_of_a_page_is_bash(page):
    for block in blocks(page, "sh", "bash"):
        ran = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
        assert ran.stderr == "", block


def test_the_documents_hold_commands_at_all():
    assert any(Path(words[0]).name == "faqmatch" for words in command_lines(ROOT / "README.md"))
    assert len([words for page in PAGES for words in command_lines(page)]) > 15


@pytest.mark.parametrize("page", NAMED, ids=ids)
def test_every_variable_named_is_a_setting(page):
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE, LANGUAGE_VARIABLE}
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", page.read_text()))
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_option_named_in_the_text_is_one_of_some_command(page):
    def options(command) -> set[str]:
        inner = getattr(command, "commands", {}).values()
        own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        return own.union(*map(options, inner))

    of_scripts = {"--long", "--browser"}
    text = BLOCK.sub("", page.read_text())
    named = set(re.findall(r"`(?:[^`\n]* )?(--[a-z][a-z-]+)[^`\n]*`", text))
    others = {line for line in named if f"docker run {line}" in text}
    of_commands = options(typer.main.get_command(app)) | options(typer.main.get_command(benchmarks_app))
    assert named - others <= of_commands | of_scripts


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_to_a_file_leads_to_one(page):
    text = BLOCK.sub("", page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_json_example_is_what_it_stands_for(page, tmp_path):
    for number, block in enumerate(blocks(page, "json")):
        example = json.loads(block)
        if "question" in example:
            QueryRequest.model_validate(example)
        if "answer_threshold" in example:
            kb = Home(tmp_path / str(number)).knowledge_base(example["name"])
            kb.path.mkdir(parents=True)
            kb.settings_file.write_text(block)
            assert kb.read_settings().answer_threshold == example["answer_threshold"]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_toml_example_holds_settings_alone(page):
    for block in blocks(page, "toml"):
        assert set(tomllib.loads(block)) <= set(Settings.model_fields)


def test_the_readme_fits_on_a_few_screens_and_begins_with_a_question_and_its_answer():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    first_screen = "\n".join(lines[:30])
    assert "scripts/demo" in first_screen
    assert "curl " in first_screen
    assert '"decision": "answer"' in first_screen


def test_the_changelog_tells_of_what_is_here():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings
    assert headings[0] in {"Unreleased", version}
