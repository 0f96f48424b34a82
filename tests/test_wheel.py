"""The wheel, installed alone: its dependencies come from this environment, its sources from nowhere else."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAQ = ROOT / "service/demo/faq.jsonl"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(*command: object, folder: Path) -> str:
    """Give what a command prints; nothing of this process's settings reaches it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FAQMATCH_", "PYTHON", "VIRTUAL_ENV", "HOME"))
    }
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment | {"HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("models", "indexer", "service", "tests", "benchmarks"):
        hidden = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=hidden)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    isolated = int(metadata.version("setuptools").partition(".")[0]) < 77  # what pyproject.toml asks for
    options = ["--no-deps", "--quiet", *([] if isolated else ["--no-build-isolation"])]
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", folder, folder / "source", folder=folder)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory) -> Path:
    """The folder of the scripts of a fresh virtual environment that holds the wheel."""
    fresh = tmp_path_factory.mktemp("fresh") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", fresh, folder=fresh.parent)
    run(
        *(sys.executable, "-m", "pip", "--python", fresh / "bin/python", "install"),
        *("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", wheel),
        folder=fresh.parent,
    )
    # A path line, and not the other environment's own path files: those may lead to a checkout.
    [site] = fresh.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return fresh / "bin"


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= {
        *(
            f"models/pretrained/{model}/{name}"
            for model in ("question-encoder-zh-en", "question-encoder-en")
            for name in ("model.onnx", "tokenizer.json", "spec.json", "confidence.json", "card.md")
        ),
        *(f"{floor}/py.typed" for floor in ("models", "indexer", "service")),
        "models/training/vocabularies/zh-en.txt",
        "service/demo/faq.jsonl",
    }
    for folder in ("templates", "static"):
        assert {f"service/{folder}/{file.name}" for file in (ROOT / "service" / folder).iterdir()} <= names
    packages = {name.partition("/")[0] for name in names}
    assert {name for name in packages if ".dist-info" not in name} == {"models", "indexer", "service"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert all("__pycache__" not in name and "/." not in name for name in names)


def test_the_wheel_holds_every_module(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT) for floor in ("models", "indexer", "service") for path in (ROOT / floor).rglob("*.py")
    }
    assert {str(source) for source in sources} <= names


def test_the_installed_package_indexes_the_bundled_faq_and_answers_from_it(scripts, tmp_path):
    home = tmp_path / "data"
    asked = "from importlib import metadata; import models; print(models.__file__, metadata.version('faqmatch'))"
    file, version = run(scripts / "python", "-P", "-I", "-c", asked, folder=tmp_path).split()
    assert Path(file).is_relative_to(scripts.parent)
    assert version == PROJECT["version"]
    bundled = Path(file).parents[1] / "service/demo/faq.jsonl"
    assert bundled.read_bytes() == FAQ.read_bytes()
    indexed = run(scripts / "faqmatch", "index", bundled, "--kb", "demo", "--home", home, folder=tmp_path)
    assert "200 entries (200 new, 0 changed, 0 unchanged, 0 removed, 0 rejected)" in indexed
    reply = json.loads(
        run(
            scripts / "faqmatch",
            "ask",
            "i forgot my pass word",
            *("--kb", "demo", "--home", home, "--json"),
            folder=tmp_path,
        )
    )
    answers = {entry["id"]: entry["answer"] for entry in map(json.loads, FAQ.read_text().splitlines())}
    assert (reply["decision"], reply["answer"]) == ("answer", answers["en-reset-password"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
