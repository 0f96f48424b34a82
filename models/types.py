"""The words that every floor shares about vectors and encoders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(n, dim), rows of unit L2 norm."""

Role = Literal["question", "answer"]
"""Question-question matching is symmetric and uses one role; matching a query against answers is the other."""

Pooling = Literal["mean", "cls"]


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """What must be equal for two vectors to be comparable: equal digests mean interchangeable vectors."""

    name: str
    digest: str
    dim: int
    pooling: Pooling
    max_tokens: int
    languages: tuple[str, ...]
    prefixes: Mapping[Role, str]

    @property
    def label(self) -> str:
        """`name@` and the first twelve digits of the digest: how a model is named to people."""
        return f"{self.name}@{self.digest[:12]}"


@dataclass(frozen=True, kw_only=True)
class RerankerSpec:
    """What the relevance of a cross-encoder depends on; equal digests mean the same logits for the same pair."""

    name: str
    digest: str
    max_tokens: int
    """Of a pair, both texts together."""
    languages: tuple[str, ...]
    temperature: float
    """The logit is divided by it, so that relevance is a probability."""
    both_directions: bool
    """Whether a pair is read in both orders, and the logits averaged; else always in the same one of the two."""

    @property
    def label(self) -> str:
        """`name@` and the first twelve digits of the digest: how a model is named to people."""
        return f"{self.name}@{self.digest[:12]}"


class Encoder(Protocol):
    """The Siamese half of BERT: each text on its own to one vector (Sentence-BERT, arXiv:1908.10084, section 3)."""

    spec: EncoderSpec

    def encode(self, texts: Sequence[str], role: Role = "question") -> Vectors:
        """Give the vectors of `texts` (normal form `text`), shape (len(texts), dim), rows of unit norm.

        A text's vector does not depend on its neighbours. What lies behind `max_tokens` is not read: see
        `count_overflow`. Raises EncodingError on NaN or zero rows.
        """
        ...

    def count_overflow(self, text: str, role: Role = "question") -> int:
        """Count the tokens of `text` that lie behind `max_tokens`."""
        ...


class Reranker(Protocol):
    """The cross-encoder: both texts through the network together (BERT, arXiv:1810.04805, section 4.1)."""

    spec: RerankerSpec

    def relevance(self, query: str, candidates: Sequence[str]) -> NDArray[np.float32]:
        """Give the probability that each candidate means the same as the query, (len(candidates),) in [0, 1].

        Texts are in the normal form `text`. It is symmetric, and does not depend on the other candidates. What lies
        behind `max_tokens` is not read: see `is_cut`. Raises RerankingError on NaN.
        """
        ...

    def is_cut(self, query: str, candidate: str) -> bool:
        """Say whether both are longer together than `max_tokens`, so that the end of the longer one is not read."""
        ...


class InteractionHead(Protocol):
    """A small network over two vectors of one encoder (InferSent, arXiv:1705.02364, section 3.2)."""

    label: str
    """How it is named to people."""

    def affinities(self, query: Vectors, candidates: Vectors) -> NDArray[np.float32]:
        """Give the probability that each candidate means the same as the query, (n,) in [0, 1].

        `query` is (dim,), `candidates` (n, dim), of the encoder that the head was trained for. It is symmetric, and
        does not depend on the other candidates.
        """
        ...
