import numpy as np
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.agreement import require_agreement
from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList

CANDIDATES = CandidateList(query="q", texts=("a", "b"), right=np.array([True, False]))
VECTORS = {"q": (0.6, 0.8), "a": (1.0, 0.0), "b": (0.0, 1.0)}
JUDGEMENT = {("q", "a"): 0.9, ("q", "b"): 0.2}


@pytest.fixture
def form(planted_form):
    return planted_form(vectors=VECTORS, judgement=JUDGEMENT)


def test_the_largest_difference_of_each_number_is_told(form, planted_form):
    other = planted_form(vectors=VECTORS, judgement=JUDGEMENT | {("q", "b"): 0.2005})
    agreement = require_agreement(form, other, CANDIDATES, with_head=True)
    assert agreement.to_json() == pytest.approx({"similarity": 0, "affinity": 0, "relevance": 0.0005}, abs=1e-6)
    assert require_agreement(form, other, CANDIDATES, with_head=False).affinity is None


@pytest.mark.parametrize("wrong", [0.21, np.nan])
def test_other_numbers_are_refused(form, planted_form, wrong):
    other = planted_form(vectors=VECTORS, judgement=JUDGEMENT | {("q", "b"): wrong})
    with pytest.raises(BenchmarkError, match=r"torch and ONNX fp32 differ by .* in relevance"):
        require_agreement(other, form, CANDIDATES, with_head=False)


def test_other_vectors_are_refused(form, planted_form):
    other = planted_form(vectors=VECTORS | {"q": (0.8, 0.6)}, judgement=JUDGEMENT)
    with pytest.raises(BenchmarkError, match=r"differ by 0\.2000 in similarity"):
        require_agreement(other, form, CANDIDATES, with_head=False)
