"""Output of the commands: tables, and progress with rate and time left, as plain lines where there is no terminal."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

_PLAIN_EVERY: Final = 5.0
"""Seconds between two plain lines."""
_WIDEST: Final = 10_000
"""Columns of a table where there is no terminal; it takes as many as its content needs."""


def say(text: str) -> None:
    """Print to standard output, to the letter: an answer may hold what rich takes for markup, emoji or tabs."""
    print(text, flush=True)


def warn(line: str) -> None:
    """Print a line to standard error, to the letter."""
    print(line, file=sys.stderr, flush=True)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table; as wide as its content where the output is no terminal."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _WIDEST).print(table)


class StageProgress:
    """Shows `(stage, done, total)` reports: a bar on a terminal, else a line every few seconds and one at each end."""

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
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total, rate="")
            self._begun[stage] = now
        elapsed = now - self._begun[stage]
        rate = done / elapsed if done and elapsed > 0 else 0.0
        self._bar.update(self._tasks[stage], completed=done, rate=f"{rate:,.0f}/s" if rate else "")
        if self._bar.disable and (done in (0, total) or now - self._printed >= _PLAIN_EVERY):
            self._printed = now
            left = f", {rate:,.0f}/s, {(total - done) / rate:,.0f} s left" if rate and done < total else ""
            warn(f"{stage} {done:,}/{total:,}{left}")
