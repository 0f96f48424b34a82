import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import near_duplicates
from indexer.entry import Entry
from indexer.near_duplicates import NEAR_DUPLICATE, Comparison, IndexedPhrasings, NearDuplicate, find_near_duplicates
from indexer.version import list_phrasings

DIM = 32


def indexed(vectors, sizes, changed) -> IndexedPhrasings:
    """Phrasings of entries e0, e1, ... with so many phrasings each, called by their rows."""
    ends = np.cumsum(sizes)
    entries = tuple(
        Entry(
            id=f"e{number}",
            question=f"Row {end - size}",
            similar=tuple(f"Row {row}" for row in range(end - size + 1, end)),
            answer="",
        )
        for number, (end, size) in enumerate(zip(ends, sizes, strict=True))
    )
    return IndexedPhrasings(entries=entries, phrasings=tuple(list_phrasings(entries)), vectors=vectors, changed=changed)


def compare(vectors, sizes, changed=None) -> Comparison:
    return find_near_duplicates(indexed(vectors, sizes, range(len(sizes)) if changed is None else changed))


def unit(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def compare_by_hand(vectors, sizes, changed) -> list[NearDuplicate]:
    """Every row with every other, one pair after another."""
    entry_of_row = np.repeat(np.arange(len(sizes)), sizes)
    similarities = np.round(vectors.astype(np.float64) @ vectors.T.astype(np.float64), 6)
    nearest = {}
    for row, other in np.argwhere(np.triu(similarities > NEAR_DUPLICATE)).tolist():
        pair = int(entry_of_row[row]), int(entry_of_row[other])
        if pair[0] != pair[1] and set(pair) & set(changed):
            found = (-min(similarities[row, other], 1.0), row, other)
            nearest[pair] = min(found, nearest.get(pair, found))
    return [
        NearDuplicate(
            first=f"e{first}",
            second=f"e{second}",
            first_phrasing=f"Row {row}",
            second_phrasing=f"Row {other}",
            similarity=-negative,
        )
        for (first, second), (negative, row, other) in sorted(nearest.items(), key=lambda item: (item[1][0], item[0]))
    ]


def planted(count: int, pairs: int) -> tuple[np.ndarray, list[int]]:
    """Random unit vectors in entries of one to four phrasings; `pairs` of them are near to another, or equal to it."""
    random = np.random.default_rng(5)
    vectors = random.normal(size=(count, DIM))
    rows = random.permutation(count)[: 2 * pairs]
    noise = random.choice([0, 0.1, 0.2, 0.3, 0.4], size=(pairs, 1)) * random.normal(size=(pairs, DIM))
    vectors[rows[:pairs]] = vectors[rows[pairs:]] + noise
    sizes = []
    while (left := count - sum(sizes)) > 0:
        sizes.append(min(left, int(random.integers(1, 5))))
    return unit(vectors), sizes


@pytest.mark.parametrize("every", [1, 3])
def test_what_is_found_is_what_a_comparison_of_all_with_all_finds(every):
    vectors, sizes = planted(4_000, 400)
    changed = range(0, len(sizes), every)
    comparison = compare(vectors, sizes, changed)
    expected = compare_by_hand(vectors, sizes, changed)
    assert len(expected) > 100
    assert list(comparison.pairs) == expected
    assert (comparison.has_more, comparison.phrasings_left_out) == (False, 0)


coordinates = st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any)


@given(st.lists(st.lists(coordinates, min_size=1, max_size=3), min_size=1, max_size=10), st.data())
def test_ties_and_equal_texts_are_ordered_as_the_entries_are(entries, data):
    vectors, sizes = unit(np.concatenate(entries)), [len(entry) for entry in entries]
    changed = data.draw(st.lists(st.sampled_from(range(len(sizes))), unique=True))
    assert list(compare(vectors, sizes, changed).pairs) == compare_by_hand(vectors, sizes, changed)


def test_equal_texts_of_two_entries_have_similarity_one_and_each_entry_says_how_it_wrote_them():
    vectors = unit([[1, 2, 3], [3, 1, -2], [1, 2, 3]])
    (pair,) = compare(vectors, [1, 2]).pairs
    assert pair == NearDuplicate(
        first="e0", second="e1", first_phrasing="Row 0", second_phrasing="Row 2", similarity=1.0
    )


@pytest.mark.parametrize(("degrees", "found"), [(18.1, 1), (18.3, 0)])  # the cosine is 0.95 at 18.19 degrees
def test_a_pair_is_one_where_its_cosine_is_above_the_limit(degrees, found):
    angle = np.deg2rad(degrees)
    vectors = unit([[1, 0], [np.cos(angle), np.sin(angle)]])
    pairs = compare(vectors, [1, 1], [1]).pairs
    assert [pair.similarity for pair in pairs] == [pytest.approx(np.cos(angle), abs=1e-6)] * found


def test_unchanged_entries_are_found_but_not_looked_from():
    vectors = unit([[1, 0], [1, 0], [0, 1], [0, 1]])
    found = [
        [(pair.first, pair.second) for pair in compare(vectors, [1, 1, 1, 1], changed).pairs]
        for changed in ([], [1], [0, 3])
    ]
    assert found == [[], [("e0", "e1")], [("e0", "e1"), ("e2", "e3")]]


def test_however_many_phrasings_an_entry_has_of_its_own_another_is_found_from_either_side():
    vectors = unit([[1, 0]] * 40 + [[1, 0.1]])
    assert [len(compare(vectors, [40, 1], changed).pairs) for changed in ([0], [1])] == [1, 1]


def test_without_rows_there_is_no_pair():
    vectors = np.empty((0, DIM), np.float32)
    assert compare(vectors, []) == Comparison()


def test_phrasings_beyond_the_bound_are_not_looked_from_and_counted(monkeypatch):
    assert near_duplicates.MAX_PHRASINGS_COMPARED == 50_000
    monkeypatch.setattr(near_duplicates, "MAX_PHRASINGS_COMPARED", 3)
    vectors = unit([[1, 0], [0, 1], [1, 0], [-1, 0], [-1, 0]])
    comparison = compare(vectors, [1, 1, 1, 1, 1])
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [("e0", "e2")]
    assert comparison.phrasings_left_out == 2


@pytest.mark.parametrize("most", [1, 40, 137])
def test_of_too_many_pairs_the_nearest_are_given(monkeypatch, most):
    assert near_duplicates.MAX_PAIRS == 10_000
    vectors, sizes = planted(2_000, 300)
    every = compare(vectors, sizes).pairs
    monkeypatch.setattr(near_duplicates, "MAX_PAIRS", most)
    nearest = compare(vectors, sizes)
    assert len(every) > most
    assert (nearest.pairs, nearest.has_more) == (every[:most], True)


def test_as_many_pairs_as_are_given_at_most_are_all(monkeypatch):
    monkeypatch.setattr(near_duplicates, "MAX_PAIRS", 3)
    vectors = unit([[1, 0], [1, 0.2], [1, 0.1]])
    comparison = compare(vectors, [1, 1, 1])
    assert (len(comparison.pairs), comparison.has_more) == (3, False)


def test_a_pair_whose_nearest_phrasings_come_late_is_given_with_them(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(near_duplicates, "MAX_PAIRS", 1)
    vectors = unit([[1, 0, 0], [0, 1, 0], [1, 0.1, 0], [0, 1, 0.05], [1, 0.1, 0.2]])
    (pair,) = compare(vectors, [2, 2, 1]).pairs
    assert (pair.first_phrasing, pair.second_phrasing) == ("Row 1", "Row 3")


def test_progress_counts_the_phrasings_looked_from():
    vectors, sizes = planted(600, 10)
    told = []
    find_near_duplicates(indexed(vectors, sizes, range(len(sizes))), lambda *step: told.append(step))
    assert told == [(0, 600), (512, 600), (600, 600)]  # so many at a time, whatever there is to compare


def test_texts_that_are_all_alike_are_not_looked_at_for_ever():
    """All pairs of 40,000 equal rows could not be measured in the time of a test."""
    comparison = compare(unit(np.ones((40_000, 2))), [1] * 40_000)
    assert (len(comparison.pairs), comparison.has_more) == (10_000, True)
    assert {pair.similarity for pair in comparison.pairs} == {1.0}
