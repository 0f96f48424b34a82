"""Questions for a benchmark of speed: real ones of the pools, half English and half Chinese, or generated ones."""

from dataclasses import dataclass

import numpy as np

from benchmarks.circumstances import SEED
from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError
from benchmarks.generated_questions import generate_questions
from indexer.entry import Entry
from models import normalise


@dataclass(frozen=True, kw_only=True)
class QuestionSupply:
    """Questions to index, and others to ask."""

    entries: tuple[Entry, ...]
    queries: tuple[str, ...]
    source: str


def supply_questions(data: DataFolder | None, entries: int, queries: int) -> QuestionSupply:
    """Give as many entries of one phrasing, and other questions; no key stands twice. None = generated ones."""
    count = entries + queries
    if data is None:
        texts, source = generate_questions(count), "generated"
    else:
        texts, source = _draw(data, count), "pool_en_permissive, pool_zh_permissive"
    indexed = [
        Entry(id=f"q{number}", question=text, answer=f"answer {number}") for number, text in enumerate(texts[:entries])
    ]
    return QuestionSupply(entries=tuple(indexed), queries=tuple(texts[entries:]), source=source)


def _draw(data: DataFolder, count: int) -> list[str]:
    generator = np.random.default_rng(SEED)
    drawn: dict[str, str] = {}
    for pool in ("pool_en_permissive", "pool_zh_permissive"):
        texts = data.read_pool(pool)
        wanted = (count + 1) // 2 + len(drawn)
        for row in generator.permutation(len(texts)):
            if len(drawn) == wanted:
                break
            drawn.setdefault(normalise.key(texts[row]), texts[row])
        else:
            raise BenchmarkError(f"{pool} has fewer than {(count + 1) // 2:,} different questions")
    chosen = list(drawn.values())
    return [chosen[row] for row in generator.permutation(len(chosen))[:count]]
