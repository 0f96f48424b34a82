import numpy as np
import pytest

from indexer.dense import VectorIndex
from service.retrieval import Candidate, retrieve


def plane(*degrees: float) -> np.ndarray:
    """Unit vectors of the plane at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


EAST = plane(0)


def test_an_entry_stands_as_its_nearest_phrasing():
    index, entry_of_row = VectorIndex.build(plane(40, 10, 20, 30)), np.array([0, 0, 1, 2])
    assert retrieve(index, entry_of_row, EAST, 3) == [
        Candidate(entry=0, row=1, similarity=pytest.approx(np.cos(np.radians(10)))),
        Candidate(entry=1, row=2, similarity=pytest.approx(np.cos(np.radians(20)))),
        Candidate(entry=2, row=3, similarity=pytest.approx(np.cos(np.radians(30)))),
    ]


def test_as_many_entries_come_as_are_wanted_and_no_more():
    index, entry_of_row = VectorIndex.build(plane(*range(5))), np.arange(5)
    assert [candidate.entry for candidate in retrieve(index, entry_of_row, EAST, 2)] == [0, 1]
    assert len(retrieve(index, entry_of_row, EAST, 9)) == 5


def test_an_entry_of_many_phrasings_hides_no_other():
    index = VectorIndex.build(plane(*np.linspace(0, 30, 300), 40, 50))
    found = retrieve(index, np.array([0] * 300 + [1, 2]), EAST, 3)
    assert [(candidate.entry, candidate.row) for candidate in found] == [(0, 0), (1, 300), (2, 301)]


def test_only_allowed_rows_count():
    index, entry_of_row = VectorIndex.build(plane(0, 10, 20)), np.array([0, 0, 1])
    found = retrieve(index, entry_of_row, EAST, 2, np.array([False, True, False]))
    assert [(candidate.entry, candidate.row) for candidate in found] == [(0, 1)]
    assert retrieve(index, entry_of_row, EAST, 2, np.zeros(3, bool)) == []
