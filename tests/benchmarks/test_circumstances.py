import subprocess

import numpy

from benchmarks.circumstances import REPOSITORY, observe_circumstances


def test_a_run_says_where_and_with_what_it_was_made(monkeypatch):
    monkeypatch.setattr("sys.argv", [str(REPOSITORY / "benchmarks" / "__main__.py"), "scale", "--data", "a b"])
    seen = observe_circumstances(("pytest",)).to_json()
    assert seen["command"] == "python -m benchmarks scale --data 'a b'"
    assert seen["packages"]["numpy"] == numpy.__version__
    assert "pytest" in seen["packages"]
    assert seen["cores"] >= 1
    assert seen["cpu"] != "unknown"
    assert 0 < seen["memory_gb"] < 100_000


def test_the_commit_is_that_of_the_checkout():
    asked = subprocess.run(["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"], capture_output=True, text=True)
    commit = observe_circumstances().commit
    assert commit.split()[0] == (asked.stdout.strip() if asked.returncode == 0 else "unknown")


def test_a_package_that_is_not_there_is_said_to_be_missing():
    assert observe_circumstances(("no-such-package",)).packages["no-such-package"] == "not installed"
