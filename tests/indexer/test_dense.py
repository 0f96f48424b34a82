import faiss
import numpy as np
import pytest

from indexer.dense import FLAT_UP_TO, RECALL_TARGET, VectorIndex
from indexer.errors import VersionError

DIM = 64


def clustered(count: int, clusters: int = 300, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around random centres, as questions lie around topics, and the topic of each."""
    random = np.random.default_rng(11)
    centres = random.normal(size=(clusters, DIM))
    topic = random.integers(clusters, size=count)
    vectors = (centres[topic] + noise * random.normal(size=(count, DIM))).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), topic


def search_by_hand(vectors, queries, k, allowed_rows=None) -> np.ndarray:
    """Similarities of the k nearest, by a product with all."""
    similarities = queries @ vectors.T
    if allowed_rows is not None:
        similarities = np.where(allowed_rows, similarities, -np.inf)
    return -np.sort(-similarities, axis=1)[:, :k]


@pytest.fixture(scope="module")
def many():
    """25,000 rows, 300 queries that are none of them, and the topic of each row."""
    vectors, topic = clustered(25_300)
    return vectors[:25_000], vectors[25_000:], topic[:25_000]


@pytest.fixture(scope="module")
def ivf(many):
    return VectorIndex.build(many[0])


@pytest.fixture(scope="module")
def few(many):
    return many[0][:1000], many[1][:50]


def test_up_to_20_000_rows_are_compared_one_by_one_and_above_by_cells(few, ivf):
    assert FLAT_UP_TO == 20_000
    assert VectorIndex.build(few[0]).spec.kind == "flat"
    assert ivf.spec.kind == "ivf"
    assert 0 < ivf.spec.probes < ivf.spec.cells


def test_flat_search_equals_a_product_with_all(few):
    vectors, queries = few
    similarities, rows = VectorIndex.build(vectors).search(queries, 10)
    np.testing.assert_allclose(similarities, search_by_hand(vectors, queries, 10), atol=1e-6)
    np.testing.assert_allclose(np.einsum("qkd,qd->qk", vectors[rows], queries), similarities, atol=1e-6)
    assert (rows.dtype, similarities.dtype) == (np.int64, np.float32)
    assert (np.diff(similarities) <= 0).all()


def test_cells_find_what_a_product_with_all_finds_for_questions_that_are_not_in_the_index(many, ivf):
    vectors, queries, _ = many
    similarities, rows = ivf.search(queries, 10)
    exact = search_by_hand(vectors, queries, 10)
    assert (similarities >= exact[:, -1:] - 1e-6).mean() >= RECALL_TARGET
    assert (similarities[:, 0] >= exact[:, 0] - 1e-6).mean() >= RECALL_TARGET
    np.testing.assert_allclose(np.einsum("qkd,qd->qk", vectors[rows], queries), similarities, atol=1e-5)


def test_the_recall_in_the_manifest_is_no_better_than_what_queries_meet(many, ivf):
    vectors, queries, _ = many
    similarities, _ = ivf.search(queries, 10)
    met = (similarities >= search_by_hand(vectors, queries, 10)[:, -1:] - 1e-6).mean()
    assert RECALL_TARGET <= ivf.spec.recall_at_10 <= met + 0.005


def test_every_row_finds_itself(many, ivf):
    vectors = many[0]
    similarities, _ = ivf.search(vectors[::50], 1)
    assert similarities == pytest.approx(1, abs=1e-5)


def test_two_builds_give_the_same_bytes_on_any_number_of_threads(many, ivf):
    threads = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(1 if threads > 1 else 2)
        again = VectorIndex.build(many[0])
    finally:
        faiss.omp_set_num_threads(threads)
    assert again.to_bytes().tobytes() == ivf.to_bytes().tobytes()
    assert again.spec == ivf.spec


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_a_single_allowed_row_among_30_000_is_always_found(kind):
    vectors, _ = clustered(30_000)
    index = VectorIndex.build(vectors, kind)
    queries = vectors[:5]
    for row in (0, 7, 8, 12_345, 29_999):
        allowed = np.zeros(30_000, np.bool_)
        allowed[row] = True
        similarities, rows = index.search(queries, 3, allowed)
        assert (rows[:, 0] == row).all()
        assert (rows[:, 1:] == -1).all()
        assert similarities[:, 0] == pytest.approx(queries @ vectors[row], abs=1e-6)


@pytest.mark.parametrize("filtered", ["at random", "by topic", "half of the topics", "all but one row"])
def test_a_filter_gives_what_a_product_with_the_allowed_rows_gives(many, ivf, filtered):
    vectors, queries, topic = many
    allowed = {
        "at random": np.random.default_rng(3).random(len(vectors)) < 0.1,
        "by topic": topic % 10 == 0,
        "half of the topics": topic < 150,
        "all but one row": np.arange(len(vectors)) != 5,
    }[filtered]
    exact = search_by_hand(vectors, queries, 10, allowed)
    for index, recall in ((VectorIndex.build(vectors, "flat"), 1.0), (ivf, 1.0 if filtered[:3] != "all" else 0.99)):
        similarities, rows = index.search(queries, 10, allowed)
        assert allowed[rows].all()
        assert (rows >= 0).all()
        assert (similarities >= exact[:, -1:] - 1e-6).mean() >= recall


def test_no_allowed_row_gives_none(few, many, ivf):
    for index, queries in ((VectorIndex.build(few[0]), few[1]), (ivf, many[1])):
        _, rows = index.search(queries, 2, np.zeros(len(index), np.bool_))
        assert (rows == -1).all()


def test_a_mask_of_another_length_is_refused(few):
    with pytest.raises(ValueError, match="allowed_rows has 999 places, the index 1000 rows"):
        VectorIndex.build(few[0]).search(few[1], 1, np.ones(999, np.bool_))


def test_more_than_there_are_gives_rows_of_minus_one(few):
    vectors, queries = few[0][:3], few[1]
    similarities, rows = VectorIndex.build(vectors).search(queries, 5)
    assert np.sort(rows[:, :3]).tolist() == [[0, 1, 2]] * len(queries)
    assert (rows[:, 3:] == -1).all()
    assert (np.abs(similarities) <= 1).all()


def test_an_empty_index_finds_nothing():
    index = VectorIndex.build(np.empty((0, DIM), np.float32))
    query = np.eye(1, DIM, dtype=np.float32)
    assert (len(index), index.dim) == (0, DIM)
    for allowed in (None, np.empty(0, np.bool_)):
        assert index.search(query, 2, allowed).rows.tolist() == [[-1, -1]]


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_an_index_makes_the_round_trip_through_bytes(many, kind):
    vectors, queries, _ = many
    index = VectorIndex.build(vectors[:3000], kind)
    again = VectorIndex.from_bytes(index.to_bytes().tobytes(), index.spec)
    assert (len(again), again.dim, again.spec) == (3000, DIM, index.spec)
    for mask in (None, np.arange(3000) % 3 == 0):
        before, after = index.search(queries, 10, mask), again.search(queries, 10, mask)
        np.testing.assert_array_equal(before.similarities, after.similarities)
        np.testing.assert_array_equal(before.rows, after.rows)


@pytest.mark.parametrize("content", [b"", b"no index", b"IxFI" + b"\xff" * 40])
def test_bytes_that_are_no_index_are_refused(few, content):
    with pytest.raises(VersionError, match=r"dense\.faiss: is no FAISS index"):
        VectorIndex.from_bytes(content, VectorIndex.build(few[0]).spec)


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_the_vectors_of_any_rows_come_back_to_the_bit_before_and_after_the_disk(many, kind):
    vectors = many[0]
    built = VectorIndex.build(vectors, kind)
    rows = np.array([len(vectors) - 1, 0, 7, 7])
    loaded = VectorIndex.from_bytes(built.to_bytes().tobytes(), built.spec)
    for index in (built, loaded):
        np.testing.assert_array_equal(index.vectors(rows), vectors[rows])
    assert loaded.vectors(np.empty(0, np.int64)).shape == (0, vectors.shape[1])


def test_an_index_of_cells_that_was_written_before_it_could_give_vectors_gives_them(ivf, many):
    former = faiss.deserialize_index(ivf.to_bytes())
    former.set_direct_map_type(faiss.DirectMap.NoMap)
    loaded = VectorIndex.from_bytes(faiss.serialize_index(former).tobytes(), ivf.spec)
    np.testing.assert_array_equal(loaded.vectors(np.arange(5)), many[0][:5])
