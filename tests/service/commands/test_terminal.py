import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.message import Message
from service.commands.terminal import StageProgress, say, show_table, show_verbatim, warn, warn_of_first

TRICKY = "[bold]not bold[/bold] [red] :warning: \\[x] \t| 重置密码 {}"


def test_what_is_said_arrives_to_the_letter(capsys):
    say(Message("{text}\n", text=TRICKY))
    show_verbatim(f"{TRICKY}\n{'long ' * 100}")
    assert capsys.readouterr().out == f"{TRICKY}\n\n{TRICKY}\n{'long ' * 100}\n"


def test_a_warning_is_one_line_whatever_it_holds(capsys):
    warn(Message("{text}", text="[bold]a[/bold] :warning:\t重置\n\udcff"))
    assert capsys.readouterr().err == "[bold]a[/bold] :warning:\\t重置\\n\\udcff\n"


@pytest.mark.parametrize(
    ("most", "written"),
    [(None, "abc"), (3, "abc"), (2, "ab1"), (0, "")],
)
def test_of_many_lines_the_first_are_shown_and_the_others_counted(capsys, most, written):
    warn_of_first([Message(line) for line in "abc"], most, lambda count: Message("{count}", count=count))
    assert capsys.readouterr().err == "".join(f"{line}\n" for line in written)


def test_a_table_keeps_its_cells_to_the_letter_and_as_wide_as_they_are(capsys):
    cells = ["[bold]a[/bold] :warning: \\[x]", "b" * 300]
    show_table([Message("one"), Message("two")], [cells], title=Message("Title"))
    written = capsys.readouterr().out
    assert "Title" in written
    [row] = [line for line in written.splitlines() if line.startswith("│")]
    assert [cell.strip() for cell in row.strip("│").split("│")] == cells


def test_progress_without_a_terminal_is_a_line_at_each_end(capsys):
    with StageProgress() as progress:
        for done in range(1_001):
            progress("encode", done, 1_000)
        progress("index", 0, 1_000)
        progress("index", 1_000, 1_000)
    assert capsys.readouterr().err.splitlines() == [
        "encode 0/1,000",
        "encode 1,000/1,000",
        "index 0/1,000",
        "index 1,000/1,000",
    ]


def test_a_stage_may_begin_anew(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 100.0, 106.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with StageProgress() as progress:
        for done, total in ((0, 10), (10, 10), (0, 500), (300, 500)):
            progress("encode", done, total)
    assert capsys.readouterr().err.splitlines() == [
        "encode 0/10",
        "encode 10/10",
        "encode 0/500",
        "encode 300/500, 50/s, 4 s left",
    ]


def test_a_stage_with_nothing_to_do_is_not_reported(capsys):
    with StageProgress() as progress:
        progress("encode", 0, 0)
    assert capsys.readouterr().err == ""


def test_long_work_without_a_terminal_tells_its_rate_and_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 6.0, 8.0, 12.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with StageProgress() as progress:
        for done in (0, 300, 400, 1_000):
            progress("encode", done, 1_000)
    assert capsys.readouterr().err.splitlines() == [
        "encode 0/1,000",
        "encode 300/1,000, 50/s, 14 s left",
        "encode 1,000/1,000",
    ]


ROOT = Path(__file__).parents[3]
PROGRAM = """
from service.commands.terminal import StageProgress
with StageProgress() as progress:
    for done in range(0, 101, 10):
        progress("encode", done, 100)
"""


IN_CHINESE = """
import time
from service.commands.terminal import StageProgress
from service.language import Language, speak
clock = iter([0.0, 6.0, 8.0])
time.monotonic = lambda: next(clock)
speak(Language.ZH)
with StageProgress() as progress:
    progress("encode", 0, 1_000)
    progress("encode", 300, 1_000)
    progress("something new", 1, 1)
"""


def test_progress_is_told_in_the_language_of_the_process():
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", IN_CHINESE], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    assert ran.stderr.splitlines() == ["编码 0/1,000", "编码 300/1,000，50/秒，剩余 14 秒", "something new 1/1"]


def test_progress_on_a_terminal_is_a_bar():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stderr=theirs, env=environment):
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert "━━━━" in written.decode()
    assert "100/100" in written.decode()
