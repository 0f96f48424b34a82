import json
import sys

import pytest

from benchmarks.__main__ import main
from benchmarks.child_process import run_measured


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_benchmark_is_run_by_its_name_and_leaves_its_report(model, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "filters", "--quick", "--model", model, "--report", str(tmp_path)) == 0
    assert "An entry found by its own tag alone" in capsys.readouterr().out
    assert json.loads((tmp_path / "filters.json").read_text(encoding="utf-8"))["benchmark"] == "filters"
    assert (tmp_path / "filters.md").is_file()


@pytest.mark.parametrize("name", ["quality", "latency", "scale", "filters"])
def test_a_missing_data_folder_is_one_line(name, model, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, name, "--data", str(tmp_path / "gone"), "--model", model) == 1
    written = capsys.readouterr().err.strip().splitlines()
    assert written == [f"benchmarks: no data folder {tmp_path / 'gone'}: name it with --data, or take --quick"]


def test_sets_of_a_missing_data_folder_are_one_line(tmp_path, monkeypatch, capsys):
    gone = str(tmp_path / "gone")
    assert run(monkeypatch, "siamese_vs_cross_encoder", "--sets", "bundled,covid_q", "--data", gone) == 1
    assert capsys.readouterr().err.startswith(f"benchmarks: no data folder {gone}: name it with --data")


def test_a_missing_reranker_is_one_line(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "siamese_vs_cross_encoder", "--reranker", str(tmp_path)) == 1
    assert capsys.readouterr().err.startswith(f"benchmarks: reranker {tmp_path}: neither a shipped one")


def test_a_missing_model_is_one_line(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "filters", "--quick", "--model", str(tmp_path)) == 1
    assert capsys.readouterr().err.startswith(f"benchmarks: model {tmp_path}: neither a shipped model")


def test_torch_is_not_loaded_before_it_is_asked_for(tmp_path):
    program = "import sys, benchmarks.__main__; print('torch' in sys.modules, 'onnxruntime' in sys.modules)"
    assert run_measured([sys.executable, "-c", program], tmp_path).output == "False True\n"


def test_help_names_every_benchmark(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    names = ("quality", "bundled", "latency", "scale", "publish_under_load", "filters", "siamese_vs_cross_encoder")
    assert all(name in shown for name in names)
