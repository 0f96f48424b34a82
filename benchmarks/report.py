"""What a benchmark gives: a table on the terminal, and NAME.json and NAME.md with all circumstances."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

    def show(self) -> None:
        """Print the tables."""
        for table in self.tables:
            show_table(table.columns, table.rows, title=table.title)

    def write(self, folder: Path) -> None:
        """Write NAME.json and NAME.md into `folder`, which is made."""
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
        show_verbatim(f"written: {folder / self.name}.json and .md")

    def _to_markdown(self) -> str:
        facts = {**self.circumstances.to_json(), **self.settings}
        described = Table(
            title="Circumstances", columns=("", ""), rows=[[key, _in_words(value)] for key, value in facts.items()]
        )
        parts = [f"# {self.name}", *(_markdown_table(table) for table in (*self.tables, described))]
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
