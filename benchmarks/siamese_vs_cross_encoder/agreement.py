"""Whether two forms are the same networks: else their times could not be compared."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from benchmarks.siamese_vs_cross_encoder.forms import Form
from benchmarks.siamese_vs_cross_encoder.ways import LiveComparison

_TOLERANCE: Final = 1e-3
"""What the order of additions in fp32 may come to, over twelve layers."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The largest differences between two forms, over the candidates of one query."""

    similarity: float
    affinity: float | None
    relevance: float

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object of a report."""
        return dict(vars(self))


def require_agreement(form: Form, other: Form, candidates: CandidateList, *, with_head: bool) -> Agreement:
    """Run one query through both; BenchmarkError where one gives other numbers."""
    comparisons = [
        LiveComparison(one, candidates.query, candidates.texts, one.encode(candidates.texts)) for one in (form, other)
    ]
    every = np.arange(len(candidates.texts))
    agreement = Agreement(
        similarity=_largest(*(one.similarities() for one in comparisons)),
        affinity=_largest(*(one.affinities() for one in comparisons)) if with_head else None,
        relevance=_largest(*(one.relevance(every) for one in comparisons)),
    )
    for name, difference in agreement.to_json().items():
        if difference is not None and not difference <= _TOLERANCE:  # also for NaN
            raise BenchmarkError(
                f"torch and ONNX fp32 differ by {difference:.4f} in {name}: they do not run the same network (is the "
                "tokenizer beside the checkpoint that of the model directory?)"
            )
    return agreement


def _largest(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.abs(first - second).max())
