from itertools import groupby, product
from pathlib import Path

import numpy as np
import pytest

from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions
from benchmarks.siamese_vs_cross_encoder.set_measurement import time_ways
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, SIMILARITY

WAYS, COUNTS = (SIMILARITY, CROSS_ENCODER), (1, 2)
LISTS = [CandidateList(query=f"q{number}", texts=("a", "b"), right=np.array([True, False])) for number in range(20)]


@pytest.fixture
def forms(planted_form):
    """Two that write into one list what they encode."""
    vectors = dict.fromkeys(("a", "b", *(one.query for one in LISTS)), (1.0, 0.0))
    judgement = {(one.query, text): 0.5 for one in LISTS for text in one.texts}
    log: list[str] = []
    return {name: planted_form(vectors=vectors, judgement=judgement, encoded=log) for name in ("int8", "fp32")}


def test_all_forms_ways_and_counts_take_turns_on_two_queries_at_a_time(forms):
    options = ComparisonOptions(
        encoder=Path("e"), reranker=None, data=Path("d"), counts=COUNTS, blocks=10, warm_up=0, timed=20
    )
    taken = time_ways(forms, WAYS, LISTS, options)
    assert taken.keys() == set(product(("int8", "fp32"), WAYS, COUNTS))
    assert {times.shape for times in taken.values()} == {(20,)}
    asked = [text for text in forms["int8"].encoded if text.startswith("q")]
    block_of = [int(query[1:]) // 2 for query in asked]
    blocks = [(number, len(list(queries))) for number, queries in groupby(block_of)]
    assert blocks == [(number, 2 * len(taken)) for number in range(10)]
    assert [form.judged.count(("q7", "a")) for form in forms.values()] == [2, 2]
    assert [form.judged.count(("q7", "b")) for form in forms.values()] == [1, 1], "of the first alone for count 1"
