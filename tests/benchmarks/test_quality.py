import json

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.quality import QUICK_SETS, QualityOptions, measure_quality


def test_the_quick_form_reports_every_figure_of_both_kinds_of_set(data, model, tmp_path):
    report = measure_quality(QualityOptions(data=data, model=model, threads=2, sets=QUICK_SETS, quick=True))
    report.show()
    report.write(tmp_path)
    results = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))["results"]
    assert results.keys() == {"sets", "encoding"}
    assert results["sets"].keys() == {"covid_q", "bustm/test"}
    faq = results["sets"]["covid_q"]
    assert faq["sizes"] == {"entries": 20, "phrasings": 20, "in_scope": 20, "out_of_scope": 20}
    assert faq["int8"].keys() == {"P@1", "MRR@10", "hit@10", "oos AUROC"}
    assert faq["int8"]["P@1"]["low"] <= faq["int8"]["P@1"]["value"] <= faq["int8"]["P@1"]["high"]
    assert faq["int8"]["P@1"]["value"] > 0.8  # the queries hold all the words of their entry
    pairs = results["sets"]["bustm/test"]
    assert pairs["sizes"] == {"pairs": 20}
    assert pairs["int8"].keys() == {"accuracy", "AP", "Spearman"}
    assert pairs["int8"]["accuracy"]["value"] >= 0.9
    assert results["encoding"]["int8"]["texts"] == 20 + 20 + 20 + 10  # the pairs' first halves were known


def test_an_unknown_set_is_refused_with_those_there_are(data, model):
    with pytest.raises(BenchmarkError, match=r"set bankfaqs: unknown \(there are cic_dataclue, .*lcqmc\)"):
        measure_quality(QualityOptions(data=data, model=model, threads=1, sets=("bankfaqs",)))
