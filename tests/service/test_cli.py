import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(app)
ENDED_EARLY = """
import typer
from service.cli import app, main

@app.command()
def end():
    raise {raised}

main()
"""


def names(command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from names(inner, *path, name)


def test_every_command_and_option_says_what_it_is_for():
    def walk(command, name: str):
        yield name, command.help
        for parameter in command.params:
            if parameter.name != "help":
                yield f"{name} {parameter.name}", parameter.help
        for inner, subcommand in getattr(command, "commands", {}).items():
            yield from walk(subcommand, f"{name} {inner}")

    found = dict(walk(COMMANDS, "faqmatch"))
    assert found.keys() >= {"faqmatch demo", "faqmatch index kb", "faqmatch model convert max_tokens"}
    assert [name for name, said in found.items() if not said] == []


def test_each_setting_is_a_flag_of_serve_and_the_other_way_round():
    flags = {parameter.name for parameter in COMMANDS.commands["serve"].params}
    assert flags == set(Settings.model_fields) - {"encoder"}  # of index runs, where its flag is --model


def test_a_flag_goes_before_the_environment(faqmatch, home, tmp_path):
    asked = ("ask", "How do I reset my password?", "--kb", "demo")
    assert "the second answer" in faqmatch(*asked, "--home", home.path, FAQMATCH_HOME=str(tmp_path)).out
    assert "the second answer" in faqmatch(*asked, FAQMATCH_HOME=str(home.path)).out


def test_help_comes_at_once_and_loads_nothing_heavy(faqmatch):
    began = time.monotonic()
    assert "index" in faqmatch("--help").out
    assert time.monotonic() - began < 1
    program = "import sys; from service.cli import main\ntry: main()\nfinally: print('\\n' + ' '.join(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"numpy", "fastapi", "faiss", "onnxruntime", "pydantic", "opencc", "structlog"}


def test_without_a_command_the_help_is_shown(faqmatch):
    for command in ((), ("model",)):
        ran = faqmatch(*command)
        assert (ran.code, ran.err) == (2, "")
        assert "Usage" in ran.out


def test_a_mistake_of_usage_is_one_line_and_exit_code_2(faqmatch):
    ran = faqmatch("serv")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "faqmatch: No such command 'serv' (did you mean 'serve'?): see faqmatch --help\n"


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        ("typer.Exit(3)", 3, ""),
        ("EOFError", 1, "\nAborted.\n"),
        ("KeyboardInterrupt", 130, ""),
        ("BrokenPipeError(32, 'Broken pipe')", 1, ""),
        ("OSError(5, 'Input/output error')", 1, "faqmatch: the system: Input/output error\n"),
    ],
)
def test_a_command_that_ends_early_ends_with_its_exit_code(raised, code, told):
    program = ENDED_EARLY.format(raised=raised)
    environment = {**os.environ, "FAQMATCH_LANG": "en"}
    ran = subprocess.run(
        [sys.executable, "-c", program, "end"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", told)


@pytest.mark.parametrize("path", list(names(COMMANDS)), ids=" ".join)
def test_the_help_of_every_command_is_there_in_chinese(faqmatch, path):
    ran = faqmatch(*path, "--help", FAQMATCH_LANG="zh", COLUMNS="200")
    assert (ran.code, ran.err) == (0, "")
    told = ran.out.replace(" ".join(("faqmatch", *path)), "")
    assert re.findall(r"\b[a-z]+(?: [a-z]+){2,}\b", told) == []
    assert "显示本帮助并退出" in told
    assert "选项" in told


def test_a_mistake_is_told_in_chinese(faqmatch, home):
    ran = faqmatch("versions", FAQMATCH_LANG="zh")
    assert (ran.code, ran.err) == (2, "faqmatch: 缺少选项 '--kb'：详见 faqmatch versions --help\n")
    ran = faqmatch("ask", " ", "--kb", "demo", FAQMATCH_LANG="zh")
    assert (ran.code, ran.err) == (2, "faqmatch: 'question' 的值无效：内容为空：详见 faqmatch ask --help\n")
    told = faqmatch("serve", FAQMATCH_LANG="zh", FAQMATCH_PORT="nine").mistake
    assert told == "设置 port（FAQMATCH_PORT，或 faqmatch.toml 中的 port）：应为整数"
    told = faqmatch("ask", "x", "--kb", "shop", "--home", home.path, FAQMATCH_LANG="zh").mistake
    assert "知识库" in told
    assert "knowledge base" not in told


def test_the_locale_is_enough_to_be_told_in_chinese(faqmatch):
    assert "选项" in faqmatch("--help", LANG="zh_CN.UTF-8").out
    assert "Options" in faqmatch("--help", LANG="zh_CN.UTF-8", FAQMATCH_LANG="en").out


def test_a_language_that_is_not_spoken_is_one_line(faqmatch):
    told = "FAQMATCH_LANG: 'fr' is no language of this command: use en or zh"
    assert faqmatch("--help", FAQMATCH_LANG="fr").mistake == told


def test_nothing_is_written_outside_of_the_data_folder(faqmatch, home, tmp_path):
    """The libraries below have ways of their own: caches, ids of the machine, reports to their makers."""
    before = {path for path in tmp_path.rglob("*") if home.path not in path.parents}
    ran = faqmatch("ask", "i forgot my pass word", "--kb", "demo", "--home", home.path, "--json")
    assert json.loads(ran.out)["matches"][0]["entry"]["id"] == "reset"
    assert {path for path in tmp_path.rglob("*") if home.path not in path.parents} == before


def test_a_file_whose_name_is_no_text_can_still_be_told(faqmatch, tmp_path):
    (tmp_path / "f\udcff.csv").write_text("question,answer\nHow?,So.\n")
    ran = faqmatch("index", b"f\xff.csv", "--kb", "shop", "--check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("f\\udcff.csv: 1 rows, ")


def test_an_output_that_is_closed_early_is_no_traceback(home, tmp_path):
    command = f"{sys.executable} -m service.cli versions --kb demo --home {home.path} | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
