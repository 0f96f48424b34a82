"""What is put in order: a query and its candidates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class CandidateList:
    """A query and the entries found for it, each as its best phrasing, best first; all texts in the normal form."""

    query: str
    texts: tuple[str, ...]
    right: NDArray[np.bool_]
    """(len(texts),)"""

    @property
    def characters(self) -> list[int]:
        """Give those of each pair of the query and a text."""
        return [len(self.query) + len(text) for text in self.texts]
