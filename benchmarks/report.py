"""What a benchmark gives: a table on the terminal, and NAME.json and NAME.md with all circumstances.

Some also draw a plot, NAME.png, and say in sentences what their numbers mean.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.circumstances import Circumstances
from service.commands.terminal import show_table, show_verbatim


@dataclass(frozen=True, kw_only=True)
class Table:
    """Text cells under a title."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One run of one benchmark."""

    name: str
    circumstances: Circumstances
    settings: Mapping[str, Any]
    """Model, threads, sizes, warm-up: what the options came to."""
    results: Mapping[str, Any]
    """JSON values; a duration names its unit."""
    tables: Sequence[Table]
    plot: Callable[[Path], None] | None = None
    """Draws into the PNG file that it is given."""
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Sentences under titles, behind everything else."""

    def show(self) -> None:
        """Print the tables and the remarks."""
        for table in self.tables:
            show_table(table.columns, table.rows, title=table.title)
        for title, sentences in self.remarks.items():
            for line in (f"{title}:", *sentences) if sentences else ():
                show_verbatim(line)

    def write(self, folder: Path) -> None:
        """Write NAME.json, NAME.md and, where there is a plot, NAME.png into `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "benchmark": self.name,
            "circumstances": self.circumstances.to_json(),
            "settings": dict(self.settings),
            "results": dict(self.results),
        }
        text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")
        (folder / f"{self.name}.md").write_text(self._to_markdown(), encoding="utf-8")
        if self.plot:
            self.plot(folder / f"{self.name}.png")
        show_verbatim(f"written: {folder / self.name}.json and .md{' and .png' if self.plot else ''}")

    def _to_markdown(self) -> str:
        facts = {**self.circumstances.to_json(), **self.settings}
        described = Table(
            title="Circumstances", columns=("", ""), rows=[[key, _in_words(value)] for key, value in facts.items()]
        )
        parts = [f"# {self.name}", *map(_markdown_table, self.tables)]
        if self.plot:
            parts.append(f"![{self.name}]({self.name}.png)")
        parts.append(_markdown_table(described))
        parts += [_markdown_list(title, sentences) for title, sentences in self.remarks.items() if sentences]
        return "\n\n".join(parts) + "\n"


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(str(inner) for inner in value)
    return str(value)


def _markdown_table(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    rows = "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
    return f"## {table.title}\n\n{rows}"


def _markdown_list(title: str, sentences: Sequence[str]) -> str:
    return "\n".join((f"## {title}", "", *(f"- {sentence}" for sentence in sentences)))
