import numpy as np
import pytest

from benchmarks.resampling import RESAMPLES, Figure
from benchmarks.side_by_side import SideBySide, means_by_language, table_of_differences, table_of_figures

LABELS = ("old, int8", "new, int8", "english, fp32")
SPREAD = np.linspace(-0.01, 0.01, RESAMPLES)


def figure(value, spread=SPREAD):
    return Figure(value=value, samples=value + spread)


def judged(name, language, *values, metric="P@1"):
    figures = [{} if value is None else {metric: figure(value)} for value in values]
    return SideBySide(name=name, languages=frozenset({language}), about="20 queries", figures=figures)


def test_each_encoder_stands_in_its_column_and_what_is_not_judged_is_empty():
    table = table_of_figures([judged("faq", "zh", 0.5, 0.75, None)], LABELS)
    assert table.columns == ("set", "sizes", "metric", *LABELS)
    assert table.rows == [
        ["faq", "20 queries", "P@1", "0.5000 [0.4905, 0.5095]", "0.7500 [0.7405, 0.7595]", ""],
    ]


def test_differences_are_to_the_first_and_a_star_marks_those_that_are_real():
    one = SideBySide(
        name="faq",
        languages=frozenset({"en"}),
        about="",
        figures=[{"P@1": figure(0.5)}, {"P@1": figure(0.52)}, {"P@1": figure(0.49, -SPREAD)}],
    )
    table = table_of_differences([one], LABELS)
    assert table.columns == ("set", "metric", "new, int8", "english, fp32")
    assert table.rows == [["faq", "P@1", "+0.0200 [+0.0200, +0.0200] *", "-0.0100 [-0.0290, +0.0090]"]]


def test_nothing_is_compared_with_a_first_one_that_is_not_judged():
    one = judged("faq", "zh", None, 0.5, 0.6)
    assert one.differences() == [{}, {}]
    assert one.to_json(LABELS)["differences_to_the_first"] == {}
    assert table_of_differences([one], LABELS).rows == [["faq", "P@1", "", ""]]


def test_a_metric_that_only_one_encoder_has_is_a_row_of_its_own():
    with_head = {"AP": figure(0.5), "AP by affinity": figure(0.6)}
    one = SideBySide(name="pairs", languages=frozenset({"en"}), about="9", figures=[{"AP": figure(0.4)}, with_head])
    rows = table_of_figures([one], LABELS[:2]).rows
    assert [row[:4] for row in rows] == [
        ["pairs", "9", "AP", "0.4000 [0.3905, 0.4095]"],
        ["", "", "AP by affinity", ""],
    ]
    assert one.differences()[0].keys() == {"AP"}


def test_sets_of_a_language_have_a_mean_of_each_metric_that_two_of_them_share():
    sets = [
        judged("a", "en", 0.4, 0.5, 0.6),
        judged("b", "en", 0.8, 0.7, 1.0),
        judged("c", "zh", 0.1, 0.3, None),
        judged("d", "zh", 0.3, 0.5, None),
        judged("alone", "zh", 0.9, 0.9, None, metric="AP"),
    ]
    english, chinese = means_by_language(sets)
    assert (english.name, english.about, english.metrics) == ("mean, en", "a, b", ["P@1"])
    assert [one["P@1"].value for one in english.figures] == pytest.approx([0.6, 0.6, 0.8])
    assert (chinese.name, chinese.about, chinese.figures[2]) == ("mean, zh", "c, d", {})
    assert chinese.differences()[0]["P@1"].value == pytest.approx(0.2)


def test_the_json_holds_the_values_with_their_intervals():
    document = judged("faq", "en", 0.5, 0.75, None).to_json(LABELS)
    assert document["figures"].keys() == {"old, int8", "new, int8"}
    assert document["figures"]["old, int8"]["P@1"] == pytest.approx({"value": 0.5, "low": 0.4905, "high": 0.5095})
    assert document["differences_to_the_first"]["new, int8"]["P@1"]["value"] == 0.25
