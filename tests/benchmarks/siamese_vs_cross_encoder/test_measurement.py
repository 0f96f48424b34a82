"""The whole benchmark with tiny networks; with torch."""

import json
from itertools import product

import pytest

from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.forms import open_form
from benchmarks.siamese_vs_cross_encoder.judging import judge
from benchmarks.siamese_vs_cross_encoder.measurement import measure_siamese_vs_cross_encoder
from benchmarks.siamese_vs_cross_encoder.networks import prepare_networks
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions
from benchmarks.siamese_vs_cross_encoder.question_sets import keep_in_scope, list_candidates, read_set
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER

NAME = "siamese_vs_cross_encoder"
FORMS, COUNTS = ("int8", "fp32", "torch"), (3, 20)


@pytest.fixture
def options(bert_encoder, data):
    """The set covid_q of the tests: 20 entries, 20 queries in scope; no head, no reranker, no checkpoint."""

    def make(**given):
        values = {"encoder": bert_encoder, "reranker": None, "data": data, "sets": ("covid_q",)}
        sizes = {"counts": COUNTS, "timed": 12, "warm_up": 1}
        return ComparisonOptions(**values | sizes | given)

    return make


def rows_of(report):
    return {(row["form"], row["way"], row["candidates"]): row for row in report["sets"]["covid_q"]["rows"]}


def test_without_a_reranker_its_rows_are_timed_and_have_no_precision_and_a_note_says_why(options, tmp_path, capsys):
    report = measure_siamese_vs_cross_encoder(options(queries=15))
    report.show()
    report.write(tmp_path)
    results = json.loads((tmp_path / f"{NAME}.json").read_text(encoding="utf-8"))["results"]
    rows = rows_of(results)
    assert rows.keys() == set(product(FORMS, ("similarity", "cross_encoder", "two_stage"), COUNTS))
    for (form, way, _), row in rows.items():
        assert row["n"] == 12
        assert 0 < row["p50_ms"]["value"] <= row["p95_ms"]["value"]
        assert row["share_above_200_ms"] <= 1
        assert (row["P@1"] is not None) == ((form, way) == ("int8", "similarity"))
    assert rows["int8", "cross_encoder", 20]["p50_ms"]["value"] > rows["int8", "similarity", 20]["p50_ms"]["value"]
    assert results["sets"]["covid_q"]["sizes"] == {"entries": 20, "phrasings": 20, "queries": 15, "timed": 12}
    assert any("There is no reranker yet: random weights" in note for note in results["notes"])
    differences = results["sets"]["covid_q"]["torch_and_fp32_differ_by"]
    assert differences.pop("affinity") is None
    assert 0 < max(differences.values()) < 1e-4
    for form in FORMS:
        memory = results["peak_memory_mb"][form]
        assert 20 < memory["similarity"] <= memory["cross_encoder"]
    assert results["peak_memory_mb"]["torch"]["similarity"] > results["peak_memory_mb"]["int8"]["cross_encoder"]
    page = (tmp_path / f"{NAME}.md").read_text(encoding="utf-8")
    assert f"![{NAME}]({NAME}.png)" in page
    assert page.rstrip().splitlines()[-1] == f"- {results['claims'][-1]}"
    assert len([one for one in results["claims"] if one.startswith("covid_q, ")]) == 3 * len(FORMS)
    assert (tmp_path / f"{NAME}.png").read_bytes().startswith(b"\x89PNG")
    assert "The article that this project follows" in capsys.readouterr().out


def test_with_checkpoints_every_row_has_the_precision_that_its_own_weights_give(
    options, encoder_with_head, encoder_checkpoint, reranker_checkpoint, tmp_path
):
    checkpoints = {"encoder_checkpoint": encoder_checkpoint, "reranker_checkpoint": reranker_checkpoint}
    given = options(encoder=encoder_with_head, **checkpoints)
    report = measure_siamese_vs_cross_encoder(given)
    rows, ways = rows_of(report.results), ("similarity", "interaction", "cross_encoder", "two_stage")
    assert rows.keys() == set(product(FORMS, ways, COUNTS))
    assert report.settings["interaction"].startswith("interaction@")
    files = prepare_networks(given, tmp_path).files
    data = keep_in_scope(read_set("covid_q", DataFolder(given.data)), None)
    lists = list_candidates(open_form("int8", files).encode, data, 20)
    for form in ("int8", "fp32"):
        right = judge(form, open_form(form, files), lists, (CROSS_ENCODER,), COUNTS)
        for count in COUNTS:
            assert rows[form, "cross_encoder", count]["P@1"]["value"] == right["cross_encoder", count].mean()
    assert all(row["P@1"] is not None for row in rows.values())
    for way, count in product(ways, COUNTS):
        assert rows["torch", way, count]["P@1"] == rows["fp32", way, count]["P@1"]
    [note] = report.results["notes"]
    assert note.startswith("covid_q: torch and ONNX fp32 are the same networks")


def test_too_few_entries_or_queries_are_refused_before_anything_is_measured(options):
    with pytest.raises(BenchmarkError, match="set covid_q: has 20 entries, 50 candidates are asked for"):
        measure_siamese_vs_cross_encoder(options(counts=(10, 50)))
    with pytest.raises(BenchmarkError, match="set covid_q: 5 queries to time are too few for 10 blocks"):
        measure_siamese_vs_cross_encoder(options(queries=5))
