import json

from benchmarks.circumstances import observe_circumstances
from benchmarks.report import Report, Table


def test_a_report_is_written_as_json_and_as_markdown_with_its_circumstances(tmp_path, capsys):
    table = Table(title="Found", columns=("query", "n"), rows=[["a | b", "3"], ["[c]", "4"]])
    report = Report(
        name="sample",
        circumstances=observe_circumstances(),
        settings={"model": "tiny", "warm_up": 5},
        results={"found": 3},
        tables=[table],
    )
    report.show()
    report.write(tmp_path / "new")
    document = json.loads((tmp_path / "new" / "sample.json").read_text(encoding="utf-8"))
    assert document.keys() == {"benchmark", "circumstances", "settings", "results"}
    assert document["circumstances"]["seed"] == report.circumstances.seed
    assert document["settings"] == {"model": "tiny", "warm_up": 5}
    assert document["results"] == {"found": 3}
    page = (tmp_path / "new" / "sample.md").read_text(encoding="utf-8")
    assert "| a \\| b | 3 |" in page
    assert f"| commit | {report.circumstances.commit} |" in page
    assert "| warm_up | 5 |" in page
    assert "[c]" in capsys.readouterr().out


def test_a_plot_and_remarks_stand_behind_the_tables_and_the_remarks_last(tmp_path, capsys):
    report = Report(
        name="sample",
        circumstances=observe_circumstances(),
        settings={},
        results={},
        tables=[Table(title="Found", columns=("n",), rows=[["3"]])],
        plot=lambda file: file.write_bytes(b"drawn") and None,
        remarks={"Notes": [], "Said": ["One [1].", "Two."]},
    )
    report.show()
    report.write(tmp_path)
    assert (tmp_path / "sample.png").read_bytes() == b"drawn"
    page = (tmp_path / "sample.md").read_text(encoding="utf-8")
    assert page.endswith("## Said\n\n- One [1].\n- Two.\n")
    places = [page.index(part) for part in ("## Found", "![sample](sample.png)", "## Circumstances", "## Said")]
    assert places == sorted(places)
    assert "## Notes" not in page
    shown = capsys.readouterr().out
    assert "One [1]." in shown
    assert "Notes" not in shown
