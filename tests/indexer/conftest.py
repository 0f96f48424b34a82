"""A home with a knowledge base of a few entries, and an encoder that needs no model."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from indexer.entry import Entry
from indexer.home import Home, KnowledgeBaseFolder
from indexer.reindex import Outcome, reindex
from models.errors import EncodingError
from models.types import EncoderSpec, Role, Vectors


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
