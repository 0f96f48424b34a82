import numpy as np
import pytest

from benchmarks.siamese_vs_cross_encoder.rows import Row, table_of
from benchmarks.siamese_vs_cross_encoder.ways import SIMILARITY


def row(milliseconds, right=None):
    found = None if right is None else np.array(right)
    return Row(form="int8", way=SIMILARITY, candidates=50, milliseconds=np.array(milliseconds), right=found)


def test_a_row_stays_below_the_limit_as_long_as_95_of_100_queries_do():
    some = row([10.0] * 97 + [300.0] * 3)
    assert (some.above_limit, some.stays_below) == (pytest.approx(0.03), True)
    more = row([10.0] * 90 + [300.0] * 10)
    assert (more.above_limit, more.stays_below) == (pytest.approx(0.1), False)
    assert not row([200.0] * 10).stays_below


def test_a_row_gives_its_quantiles_with_intervals_and_its_precision():
    found = row([float(number) for number in range(1, 102)], [True, True, False, True]).to_json()
    assert (found["form"], found["way"], found["candidates"], found["n"]) == ("int8", "similarity", 50, 101)
    assert (found["p50_ms"]["value"], found["p95_ms"]["value"]) == (51, 96)
    for name in ("p50_ms", "p95_ms", "P@1"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert found["P@1"]["value"] == 0.75
    assert (found["share_above_200_ms"], found["p95_below_200_ms"]) == (0, True)


def test_without_judgements_precision_is_left_empty():
    assert row([1.0, 2.0]).to_json()["P@1"] is None
    assert row([1.0, 2.0]).cells()[-1] == ""


def test_the_cells_of_a_row_stand_under_their_columns():
    table = table_of("shop", [row([100.0, 300.0, 300.0, 300.0], [True, False])])
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert table.title.startswith("shop: ")
    assert cells["way"] == "similarity"
    assert cells["candidates"] == "50"
    assert cells["p50 ms"].startswith("300.0 [")
    assert (cells["above 200 ms"], cells["p95 below 200 ms"]) == ("75 %", "no")
    assert cells["P@1"].startswith("0.500 [")
