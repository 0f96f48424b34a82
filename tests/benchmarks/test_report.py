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
