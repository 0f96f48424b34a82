import pytest

from indexer.merges import Merge, Merges, header_cells


def filled(merges, rows):
    """Fill rows 1, 2, ... and give their cells and the columns filled."""
    merges = Merges(merges)
    outcome = []
    for number, cells in enumerate(rows, start=1):
        if cells is not None:
            columns = merges.fill_down(number, cells)
            outcome.append((cells, set(columns)))
    return outcome


def test_a_value_merged_over_rows_holds_for_each_of_them_and_no_further():
    rows = [["a", "k"], ["b", None], ["c"], ["d", None]]
    assert filled([Merge(1, 1, 3, 1)], rows) == [
        (["a", "k"], set()),
        (["b", "k"], {1}),
        (["c", "k"], {1}),
        (["d", None], set()),
    ]


def test_a_value_merged_over_columns_stands_in_the_first():
    assert filled([Merge(1, 0, 1, 2)], [["a", None, None]]) == [(["a", None, None], set())]
    assert filled([Merge(1, 0, 2, 1)], [["a", None], [None, None]])[1] == (["a", None], {0})


def test_a_row_that_is_left_out_does_not_end_a_merge():
    assert filled([Merge(1, 0, 3, 0)], [["a"], None, [None, "x"]])[1] == (["a", "x"], {0})


def test_a_merge_whose_first_row_is_left_out_gives_nothing():
    assert filled([Merge(1, 0, 3, 0)], [None, [None, "x"]]) == [([None, "x"], set())]


def test_a_cell_of_its_own_is_never_written_over():
    assert filled([Merge(1, 0, 2, 0)], [["a"], ["b"]])[1] == (["b"], set())


def test_merges_follow_one_another_in_a_column():
    assert [cells for cells, _ in filled([Merge(3, 0, 4, 0), Merge(1, 0, 2, 0)], [["a"], [], ["b"], []])] == [
        ["a"],
        ["a"],
        ["b"],
        ["b"],
    ]


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        (Merge(2, 1, 2, 2), (["q", "s", "s"], 2)),
        (Merge(2, 1, 3, 1), (["q", "s"], 3)),
        (Merge(1, 1, 1, 2), (["q", "s"], 2)),
    ],
)
def test_a_header_is_spread_over_the_columns_and_rows_it_is_merged_over(merge, expected):
    assert header_cells(2, ["q", "s"], [merge]) == expected


def test_merges_that_overlap_are_spread_once():
    merges = [Merge(1, left, 1, 16_383) for left in range(2)] * 20_000
    cells, _ = header_cells(1, ["a", "b"], merges)
    assert cells == ["a"] * 16_384
