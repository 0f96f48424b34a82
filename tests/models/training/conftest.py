"""Small data of the thirteen words that the tiny BERT knows, and one thread for it."""

import json
import random
from pathlib import Path

import pytest


@pytest.fixture
def one_thread():
    """Two threads wait for each other longer than a network of this size computes."""
    import torch  # here, because it takes seconds that most tests of this folder do without

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def write_rows():
    """Write a file of lines, JSON where a line is no text."""

    def write(file: Path, *lines: object) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        file.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return file

    return write


@pytest.fixture
def write_faq(write_rows, words):
    """Write an FAQ whose entries are sets of three words, each phrasing another order of them: it can be learnt."""

    def write(file: Path, entries: int = 30, seed: int = 1) -> Path:
        generator = random.Random(seed)
        rows = []
        for number in range(entries):
            chosen = generator.sample(words[4:], 3)
            first, *similar = (" ".join(generator.sample(chosen, 3)) for _ in range(4))
            rows.append({"id": f"e{number}", "question": first, "similar": similar})
        return write_rows(file, *rows)

    return write
