"""Texts whose vectors are known: each normal form encoded once, however often it stands in what is measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models import normalise
from models.evaluation import Encode
from models.types import Vectors

_AT_A_TIME: Final = 256
"""Texts between two reports of progress."""


@dataclass(frozen=True, kw_only=True)
class EncodedTexts:
    """Texts and their vectors."""

    place: Mapping[str, int]
    """Of a normal form."""
    vectors: Vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Look up the vectors of `texts`, (len(texts), dim), as they come from a user; all were encoded."""
        return self.vectors[[self.place[normalise.text(text)] for text in texts]]


def encode_once(encode: Encode, texts: Iterable[str], report: Callable[[int, int], object]) -> EncodedTexts:
    """Encode each normal form once, in the order of the texts; `report` is told how many are done, and of how many."""
    forms = list(dict.fromkeys(map(normalise.text, texts)))
    parts: list[Vectors] = []
    for begin in range(0, len(forms), _AT_A_TIME):
        report(begin, len(forms))
        parts.append(encode(forms[begin : begin + _AT_A_TIME]))
    report(len(forms), len(forms))
    return EncodedTexts(place={form: number for number, form in enumerate(forms)}, vectors=np.concatenate(parts))
