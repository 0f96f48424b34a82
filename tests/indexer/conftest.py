"""A home with a knowledge base of a few entries, and an encoder that needs no model."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook

from indexer.entry import Entry
from indexer.home import Home, KnowledgeBaseFolder
from indexer.reindex import Outcome, reindex
from models.errors import EncodingError
from models.types import EncoderSpec, Role, Vectors

REPOSITORY = Path(__file__).parents[2]
HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from indexer.home import KnowledgeBaseFolder
from indexer.publishing import publish_lock
with publish_lock(KnowledgeBaseFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


class FakeEncoder:
    """Encodes a text as a random unit vector drawn from its hash, and remembers what it was asked."""

    def __init__(self, dim: int = 16, prefix: str = "", name: str = "fake") -> None:
        self.spec = EncoderSpec(
            name=name,
            digest=hashlib.sha256(f"{name} {dim} {prefix}".encode()).hexdigest(),
            dim=dim,
            pooling="mean",
            max_tokens=64,
            languages=("zh", "en"),
            prefixes={"question": prefix, "answer": ""},
        )
        self.seen: list[str] = []
        self.fails_after: int | None = None

    def encode(self, texts: Sequence[str], role: Role = "question") -> Vectors:
        if self.fails_after is not None and len(self.seen) + len(texts) > self.fails_after:
            raise EncodingError(f"{self.spec.label}: gave a vector of length nan for {texts[0]!r}")
        self.seen += texts
        rows = [self._draw(self.spec.prefixes[role] + text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.spec.dim), np.float32)

    def _draw(self, text: str) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        vector = np.random.default_rng(seed).normal(size=self.spec.dim).astype(np.float32)
        return vector / np.linalg.norm(vector)


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def make_encoder() -> Callable[..., FakeEncoder]:
    return FakeEncoder


@pytest.fixture
def entries() -> tuple[Entry, ...]:
    return (
        Entry(
            id="reset", question="How do I reset my password?", similar=("I forgot my password",), answer="Settings."
        ),
        Entry(id="parcel", question="Where is my parcel?", similar=("parcel not here", "快遞在哪裡"), answer="Soon."),
        Entry(id="发票", question="怎么开发票?", answer=None, tags=("billing",), metadata={"层": [1, {"深": None}]}),
    )


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def kb(home) -> KnowledgeBaseFolder:
    return home.knowledge_base("demo")


@pytest.fixture
def publish(home, kb, entries, encoder) -> Callable[..., Outcome]:
    """Publish the entries, the first of them with another answer each time it is called with one."""

    def publish(answer: str = "Settings.") -> Outcome:
        first, *others = entries
        changed = Entry(id=first.id, question=first.question, similar=first.similar, answer=answer)
        return reindex(home, kb, (changed, *others), encoder)

    return publish


@pytest.fixture
def versions(publish) -> list[str]:
    """Three versions, oldest first; the last is current."""
    return [publish(answer).version for answer in ("one", "two", "three")]


@pytest.fixture
def damage(kb) -> Callable[[str], None]:
    """Cut off the end of a version's index."""

    def damage(name: str) -> None:
        file = kb.versions / name / "dense.faiss"
        file.write_bytes(file.read_bytes()[:-1])

    return damage


@pytest.fixture
def holder(kb) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of its own that holds the publish lock."""
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(kb.path)]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


SHEET_PART = "xl/worksheets/sheet1.xml"

Edits = Mapping[str, Callable[[bytes], bytes | None]]


@pytest.fixture
def write_workbook(tmp_path) -> Callable[..., Path]:
    """Write a workbook of sheets given by name, each a list of rows; `change` may do the rest to it."""

    def write(
        sheets: Mapping[str, Sequence[Sequence[object]]],
        name: str = "faq.xlsx",
        change: Callable[[Workbook], None] = lambda _: None,
    ) -> Path:
        workbook = Workbook()
        workbook.remove(workbook.active)
        for title, rows in sheets.items():
            sheet = workbook.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        change(workbook)
        workbook.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def good_workbook(write_workbook) -> Path:
    """A workbook of one entry."""
    return write_workbook({"FAQ": [["question", "answer"], ["How?", "So."]]}, "good.xlsx")


@pytest.fixture
def edit_workbook(good_workbook, tmp_path) -> Callable[..., Path]:
    """Write the good workbook with parts changed (`edits`, None takes a part out) and added, deflated."""

    def edit(edits: Edits | None = None, added: Mapping[str, bytes] | None = None, name: str = "faq.xlsx") -> Path:
        with zipfile.ZipFile(good_workbook) as old, zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as new:
            for part in old.namelist():
                content = (edits or {}).get(part, lambda content: content)(old.read(part))
                if content is not None:
                    new.writestr(part, content)
            for part, content in (added or {}).items():
                new.writestr(part, content)
        return tmp_path / name

    return edit


@pytest.fixture
def edit_sheet(edit_workbook) -> Callable[..., Path]:
    """Write the good workbook with XML put in behind its rows."""

    def edit(rows: str | bytes) -> Path:
        more = rows.encode() if isinstance(rows, str) else rows
        return edit_workbook({SHEET_PART: lambda xml: xml.replace(b"</sheetData>", more + b"</sheetData>")})

    return edit


@pytest.fixture
def opened() -> Callable[[Path], io.BytesIO]:
    """Give the content of a file as an open file."""
    return lambda path: io.BytesIO(path.read_bytes())
