import json
import os
import subprocess
import sys
import time
from pathlib import Path

import typer

from service.cli import app
from service.settings import Settings

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(app)


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
    assert flags == set(Settings.model_fields)


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
    ran = faqmatch()
    assert ran.code == 2
    assert "Usage" in ran.out + ran.err


def test_an_unknown_command_is_a_mistake(faqmatch):
    ran = faqmatch("serv")
    assert ran.code == 2
    assert "Traceback" not in ran.err


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
    assert ran.out == "f\\udcff.csv: 1 rows, 1 entries, 0 notices\n"


def test_an_output_that_is_closed_early_is_no_traceback(home, tmp_path):
    command = f"{sys.executable} -m service.cli versions --kb demo --home {home.path} | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
