import numpy as np
import pytest

from benchmarks.siamese_vs_cross_encoder.plot import draw_rows, figure_of
from benchmarks.siamese_vs_cross_encoder.rows import Row
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, SIMILARITY


@pytest.fixture
def rows():
    right = {"int8": np.array([True, False]), "fp32": np.array([True, True]), "torch": np.array([True, True])}
    return [
        Row(
            form=form,
            way=way,
            candidates=count,
            milliseconds=np.full(5, price * count),
            right=right[form] if way is SIMILARITY else None,
        )
        for form in ("int8", "fp32", "torch")
        for way, price in ((SIMILARITY, 0.1), (CROSS_ENCODER, 5.0))
        for count in (10, 100)
    ]


def test_times_stand_on_a_logarithmic_scale_and_precision_beside_them(rows):
    times, precisions, *_ = figure_of({"shop": rows, "other": rows}).axes
    assert times.get_yscale() == "log"
    drawn = {line.get_label(): line.get_ydata() for line in times.lines if not line.get_label().startswith("_")}
    assert len(drawn) == 6
    assert list(drawn["cross-encoder over all, ONNX int8"]) == pytest.approx([50, 500])
    assert times.get_title() == "shop: time of a query"
    assert {text.get_text() for text in precisions.get_legend().get_texts()} == {
        "similarity, ONNX int8",
        "similarity, ONNX fp32",
    }


def test_a_set_without_any_precision_is_drawn_without_it(rows):
    _, precisions = figure_of({"shop": [row for row in rows if row.way is CROSS_ENCODER]}).axes
    assert not precisions.has_data()


def test_the_plot_is_a_png(rows, tmp_path):
    draw_rows({"shop": rows}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
