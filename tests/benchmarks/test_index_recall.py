import numpy as np

from benchmarks.index_recall import compare_with_exact, time_searches
from indexer.dense import VectorIndex


def unit_rows(count, seed):
    rows = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_recall_is_the_share_of_the_nearest_rows_that_is_found():
    rows, queries = unit_rows(300, seed=1), unit_rows(40, seed=2)
    blind = rows.copy()
    blind[150:] = -blind[150:]  # an index that sees half of the rows where they are not
    nearest = np.argsort(-(queries @ rows.T), axis=1)
    recall = compare_with_exact(
        VectorIndex.build(blind[:150].repeat(2, axis=0)[:300], kind="flat"),
        VectorIndex.build(rows, kind="flat"),
        queries,
        of_the_index=False,
    )
    assert recall.at_1.value == (nearest[:, 0] < 150).mean()
    assert 0 < recall.at_10.value < 1


def test_exact_search_loses_nothing_and_a_row_is_not_its_own_neighbour():
    rows = unit_rows(200, seed=3)
    exact = VectorIndex.build(rows, kind="flat")
    assert compare_with_exact(exact, exact, rows[:50], of_the_index=True).at_10.value == 1
    only_itself = VectorIndex.build(np.concatenate([rows[:50], -rows[:150]]), kind="flat")
    assert compare_with_exact(only_itself, exact, rows[:50], of_the_index=True).at_10.value < 0.9


def test_every_query_is_timed_once_after_a_warm_up():
    rows = unit_rows(120, seed=4)
    taken = time_searches({"a": VectorIndex.build(rows, kind="flat"), "b": VectorIndex.build(rows, "ivf")}, rows)
    assert {name: one.n for name, one in taken.items()} == {"a": 120, "b": 120}
    assert taken["a"].p50.value > 0
