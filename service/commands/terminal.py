"""Output of the commands: tables, and progress with rate and time left, as plain lines where there is no terminal."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from models.message import Message, printable
from service.language import translate

LINES_SHOWN: Final = 20
"""Lines of one kind that are printed unless all are asked for."""
_PLAIN_EVERY: Final = 5.0
"""Seconds between two plain lines."""
_WIDEST: Final = 10_000
"""Columns of a table where there is no terminal; it takes as many as its content needs."""
_STAGES: Final[Mapping[str, Message]] = {
    stage: stage for stage in (Message("encode"), Message("index"), Message("compare"), Message("rerank"))
}
"""The stages that have a name in every language."""


def say(message: Message) -> None:
    """Print a message to standard output, to the letter: it may hold what rich takes for markup, emoji or tabs."""
    print(translate(message), flush=True)


def show_verbatim(text: str) -> None:
    """Print what is in no language of ours: an answer, JSON, a card."""
    print(text, flush=True)


def warn(message: Message) -> None:
    """Print a message to standard error, as one line whatever it holds."""
    print(printable(translate(message)), file=sys.stderr, flush=True)


def warn_of_first(lines: Sequence[Message], most: int | None, rest: Callable[[int], Message]) -> None:
    """Print the first lines to standard error, at most `most` of them, and what `rest` says of so many others.

    All lines where `most` is None, not a word where it is 0.
    """
    for line in lines[:most]:
        warn(line)
    if most and len(lines) > most:
        warn(rest(len(lines) - most))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table, translated where a text is a Message; as wide as its content where the output is no terminal."""
    table = Table(title=title and translate(title), title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(translate(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(translate(cell)) for cell in row))
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _WIDEST).print(table)


class StageProgress:
    """Shows `(stage, done, total)` reports: a bar on a terminal, else a line every few seconds and one at each end.

    A stage that is at 0 again begins anew.
    """

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
        self._printed = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take a report."""
        now = time.monotonic()
        if total == 0:
            return
        name = _STAGES.get(stage, stage)
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(translate(name), total=total, rate="")
            self._begun[stage] = now
        elif done == 0:
            self._bar.reset(self._tasks[stage], total=total)
            self._begun[stage] = now
        elapsed = now - self._begun[stage]
        rate = done / elapsed if done and elapsed > 0 else 0.0
        told = translate(Message("{rate:,.0f}/s", rate=rate)) if rate else ""
        self._bar.update(self._tasks[stage], completed=done, rate=told)
        if self._bar.disable and (done in (0, total) or now - self._printed >= _PLAIN_EVERY):
            self._printed = now
            state = Message("{stage} {done:,}/{total:,}", stage=name, done=done, total=total)
            if rate and done < total:
                left = (total - done) / rate
                state = Message("{state}, {rate:,.0f}/s, {left:,.0f} s left", state=state, rate=rate, left=left)
            warn(state)
