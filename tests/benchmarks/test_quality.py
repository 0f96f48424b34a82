import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from benchmarks.errors import BenchmarkError
from benchmarks.quality import QUICK_SETS, QualityOptions, measure_quality
from models import directory
from models.interaction import INTERACTION
from models.interaction_graph import InteractionWeights, build_interaction_graph


def change(model, folder, **fields):
    """Copy a model directory, with another spec."""
    shutil.copytree(model, folder)
    directory.write_spec(folder, replace(directory.open_directory(folder).spec, **fields))
    return folder


@pytest.fixture
def distracted(model, tokenizer, tmp_path):
    """A model that reads hardly anything but `please`, which all queries hold and no entry."""
    folder = change(model, tmp_path / "distracted", name="distracted")
    network = onnx.load(folder / "model.onnx")
    (rows,) = network.graph.initializer
    weight = np.ones((tokenizer.get_vocab_size(), 1), np.float32)
    weight[tokenizer.encode("please", add_special_tokens=False).ids] = 1_000
    rows.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(rows) * weight, "rows"))
    (folder / "model.onnx").write_bytes(network.SerializeToString())
    spec = directory.spec_from_json(json.loads((folder / "spec.json").read_bytes()))
    files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    digest = directory.compute_digest(files, spec.pooling, spec.prefixes, spec.max_tokens)
    directory.write_spec(folder, replace(spec, digest=digest))
    return str(folder)


@pytest.fixture
def english(model, tmp_path):
    return str(change(model, tmp_path / "tiny-en", name="tiny-en", languages=("en",)))


@pytest.fixture
def with_contrary_head(model, tmp_path):
    """The model with a head that says the contrary of the cosine."""
    folder = change(model, tmp_path / "headed")
    spec = directory.open_directory(folder).spec
    nothing = {"hidden": np.zeros((4, spec.dim)), "hidden_bias": np.zeros(4), "output": np.zeros(4)}
    weights = InteractionWeights(
        **{name: value.astype(np.float32) for name, value in nothing.items()},
        cosine_slope=-5.0,
        intercept=0.0,
        dim=spec.dim,
    )
    (folder / INTERACTION).write_bytes(build_interaction_graph(weights, spec.digest).SerializeToString())
    directory.write_spec(folder, spec)
    return str(folder)


def label_of(model, more=""):
    return f"{directory.open_directory(Path(model)).spec.label}{more}, int8"


def test_the_quick_form_reports_every_figure_of_both_kinds_of_set(data, model, tmp_path, capsys):
    report = measure_quality(QualityOptions(data=data, models=(model,), threads=2, sets=QUICK_SETS, quick=True))
    report.show()
    report.write(tmp_path)
    results = json.loads((tmp_path / "quality.json").read_text(encoding="utf-8"))["results"]
    label = label_of(model)
    assert results.keys() == {"encoders", "sets", "means", "notes"}
    assert results["sets"].keys() == {"covid_q", "bustm/test"}
    faq = results["sets"]["covid_q"]
    assert faq["sizes"] == {"entries": 20, "phrasings": 20, "in_scope": 20, "out_of_scope": 20}
    figures = faq["figures"][label]
    assert figures.keys() == {"P@1", "MRR@10", "hit@10", "oos AUROC"}
    assert all(one["low"] <= one["value"] <= one["high"] for one in figures.values())
    assert figures["P@1"]["value"] > 0.8  # the queries hold all the words of their entry
    pairs = results["sets"]["bustm/test"]
    assert pairs["sizes"] == {"pairs": 20}
    assert pairs["figures"][label].keys() == {"AP", "Spearman", "accuracy"}
    assert pairs["figures"][label]["accuracy"]["value"] >= 0.9
    assert pairs["differences_to_the_first"] == {}
    assert results["encoders"][label]["texts"] == 20 + 20 + 20 + 10  # the pairs' first halves were known
    assert len(report.tables) == 1
    assert f"{label} (1 of 1) 70/70" in capsys.readouterr().err


def test_a_planted_difference_is_shown_to_be_real(data, model, distracted):
    options = QualityOptions(data=data, models=(model, distracted), threads=2, sets=QUICK_SETS, quick=True)
    report = measure_quality(options)
    faq = report.results["sets"]["covid_q"]
    lost = faq["differences_to_the_first"][label_of(distracted)]["P@1"]
    values = [faq["figures"][label_of(one)]["P@1"]["value"] for one in (model, distracted)]
    assert lost["value"] == pytest.approx(values[1] - values[0])
    assert lost["high"] < -0.2
    figures, differences = report.tables
    assert figures.columns == ("set", "sizes", "metric", label_of(model), label_of(distracted))
    assert differences.columns == ("set", "metric", label_of(distracted))
    assert differences.rows[0][2].endswith("*")


def test_an_english_model_leaves_chinese_sets_empty_and_it_is_said(data, model, english):
    options = QualityOptions(data=data, models=(model, english), threads=2, sets=QUICK_SETS, quick=True)
    report = measure_quality(options)
    pairs, faq = report.results["sets"]["bustm/test"], report.results["sets"]["covid_q"]
    assert pairs["figures"].keys() == {label_of(model)}
    assert pairs["differences_to_the_first"] == {}
    assert faq["figures"][label_of(english)] == faq["figures"][label_of(model)]
    assert {row[-1] for row in report.tables[0].rows if row[2] in ("AP", "Spearman", "accuracy")} == {""}
    assert report.remarks["Notes"] == [f"{label_of(english)} knows en alone and is not judged on bustm/test."]
    assert report.results["encoders"][label_of(english)]["texts"] == 60


def test_nothing_is_compared_with_an_english_first_model_on_chinese_sets(data, model, english):
    options = QualityOptions(data=data, models=(english, model), threads=2, sets=QUICK_SETS, quick=True)
    report = measure_quality(options)
    assert report.results["sets"]["bustm/test"]["differences_to_the_first"] == {}
    assert report.remarks["Notes"][0].endswith("is not judged on bustm/test. Nothing is compared with it there.")


def test_a_head_in_a_models_folder_is_judged_beside_its_cosine(data, model, with_contrary_head):
    options = QualityOptions(data=data, models=(model, with_contrary_head), threads=2, sets=QUICK_SETS, quick=True)
    results = measure_quality(options).results
    pairs = results["sets"]["bustm/test"]
    (plain, headed), (_, about) = pairs["figures"].values(), results["encoders"].values()
    assert plain.keys() == {"AP", "Spearman", "accuracy"}
    assert headed["AP"] == plain["AP"]
    assert headed["AP by affinity"]["value"] < 0.6 < headed["AP"]["value"]
    assert headed["AP gained by affinity"]["high"] < 0
    assert about["interaction"].startswith("interaction@")
    assert "AP by affinity" not in results["sets"]["covid_q"]["figures"][list(results["encoders"])[1]]


def test_two_sets_of_a_language_have_their_mean(data, model, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    shutil.copytree(data / "bustm", tmp_path / "data" / "afqmc")
    (tmp_path / "data" / "afqmc" / "test.tsv").rename(tmp_path / "data" / "afqmc" / "dev.tsv")
    options = QualityOptions(data=tmp_path / "data", models=(model,), threads=2, sets=("bustm", "afqmc"))
    report = measure_quality(options)
    alone = report.results["sets"]["afqmc/dev"]["figures"]
    means = report.results["means"]
    assert [one["metric"] for one in means] == ["AP", "Spearman", "accuracy"]
    assert means[0]["sets"] == "bustm/test, afqmc/dev"
    assert means[0]["figures"][label_of(model)]["AP"]["value"] == pytest.approx(alone[label_of(model)]["AP"]["value"])
    assert report.tables[0].rows[-1][:3] == ["mean, zh", "bustm/test, afqmc/dev", "accuracy"]


def test_an_unknown_set_is_refused_before_anything_is_encoded(data, tmp_path):
    with pytest.raises(BenchmarkError, match="set bankfaqs: unknown"):
        measure_quality(QualityOptions(data=data, models=(str(tmp_path),), threads=1, sets=("bankfaqs",)))
