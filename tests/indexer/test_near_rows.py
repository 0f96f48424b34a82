import tracemalloc

import numpy as np
import pytest

from indexer import near_rows
from indexer.near_rows import NearRows

DIM = 96


def unit(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def spread(count: int, strengths) -> np.ndarray:
    """Random rows of which every tenth is near to another, in directions of such strengths, that lie along no axis."""
    random = np.random.default_rng(11)
    vectors = random.normal(size=(count, DIM)) * strengths
    near = random.permutation(count)[: count // 5].reshape(2, -1)
    noise = random.uniform(0, 0.6, size=(len(near[0]), 1)) * random.normal(size=(len(near[0]), DIM)) * strengths
    vectors[near[0]] = vectors[near[1]] + noise
    turned, _ = np.linalg.qr(random.normal(size=(DIM, DIM)))
    return unit(vectors @ turned)


SETS = {
    "in all directions": spread(1_500, np.ones(DIM)),
    "in few directions": spread(1_500, np.arange(1, DIM + 1) ** -1.0),
    "along one direction": spread(1_500, np.r_[6, np.ones(DIM - 1)]),
    "where the short rows are equal": unit(np.c_[np.tile(np.eye(90)[:1], (90, 1)) * 3, np.eye(90) * 0.7]),
    "nearly alike": unit(np.ones((300, DIM)) + np.random.default_rng(3).normal(0, 0.2, size=(300, DIM))),
    "narrower than short rows": spread(1_500, np.ones(DIM))[:, :5],
}


def found(vectors, rows, others, limit, groups=None) -> set[tuple[int, int]]:
    groups = np.arange(len(vectors)) if groups is None else groups
    pairs = NearRows(vectors, groups).pairs(np.asarray(rows), np.asarray(others), lambda: limit)
    return {(lower, upper) for part in pairs for _, lower, upper in part.tolist()}


def by_hand(vectors, rows, others, limit) -> set[tuple[int, int]]:
    """Every row with every other."""
    similarities = np.round(vectors[rows].astype(np.float64) @ vectors[others].T.astype(np.float64), 6)
    pairs = ((int(rows[row]), int(others[other])) for row, other in np.argwhere(similarities > limit))
    return {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("limit", [0.5, 0.95, 0.99])
def test_the_pairs_are_those_of_a_comparison_of_all_with_all(monkeypatch, kind, limit):
    monkeypatch.setattr(near_rows, "_OTHERS_AT_ONCE", 700)
    monkeypatch.setattr(near_rows, "_PAIRS_AT_ONCE", 64)
    vectors = unit(SETS[kind])
    rows, others = np.arange(20, 80), np.random.default_rng(1).permutation(len(vectors))
    expected = by_hand(vectors, rows, others, limit)
    assert expected or limit > 0.9
    assert found(vectors, rows, others, limit) == expected


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["whole rows always", "never"])
@pytest.mark.parametrize("kind", ["in all directions", "nearly alike"])
def test_the_products_of_short_rows_and_of_whole_rows_lead_to_the_same_pairs(monkeypatch, kind, share):
    monkeypatch.setattr(near_rows, "_FEW", share)
    rows = np.arange(200)
    assert found(SETS[kind], rows, rows, 0.6) == by_hand(SETS[kind], rows, rows, 0.6) != set()


def test_a_pair_carries_its_cosine_to_six_decimals_and_its_rows_in_order():
    vectors = unit([[1, 0], [1, 0.1]])
    for rows in ([0, 1], [1, 0]):
        [pairs] = NearRows(vectors, np.arange(2)).pairs(np.array(rows[:1]), np.array(rows[1:]), lambda: 0.5)
        assert pairs.tolist() == [(pytest.approx(1 / 1.01**0.5, abs=5e-7), 0, 1)]
        assert pairs["similarity"] == pairs["similarity"].round(6)


def test_rows_of_one_group_are_no_pair():
    vectors = unit(np.ones((4, 3)))
    assert found(vectors, range(4), range(4), 0.9, np.array([0, 0, 1, 1])) == {(0, 2), (0, 3), (1, 2), (1, 3)}


def test_a_limit_that_rises_meanwhile_counts_from_the_next_rows_on(monkeypatch):
    monkeypatch.setattr(near_rows, "_OTHERS_AT_ONCE", 1)
    vectors = unit([[1, 0], [1, 0.3], [1, 0.2], [1, 0.1], [1, 0]])
    limits = iter([0.9, 0.99, 0.99, 1.0])
    pairs = NearRows(vectors, np.arange(5)).pairs(np.array([0]), np.arange(1, 5), lambda: next(limits))
    assert [upper for part in pairs for _, _, upper in part.tolist()] == [1, 3]  # at 1 nothing can be nearer


def test_memory_stays_bounded_where_all_rows_are_near():
    vectors = unit(np.ones((8_000, 384)))
    rows = NearRows(vectors, np.arange(8_000))
    tracemalloc.start()
    try:
        pairs = rows.pairs(np.arange(512), np.arange(8_000), lambda: 0.95)
        counted = sum(len(next(pairs)) for _ in range(3))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted > 3 * 8_000
    assert peak < 60e6


def test_without_rows_there_is_no_pair():
    assert found(np.empty((0, 8), np.float32), np.empty(0, np.int64), np.empty(0, np.int64), 0.95) == set()
