"""Checks of the models: those of the package, and the home's own copies that its versions were built with."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from indexer.errors import KnowledgeBaseError
from indexer.home import Home
from indexer.publishing import folder_size, list_versions
from models.directory import DEFAULT_MODEL, open_directory
from models.errors import ModelDirectoryError
from service.doctor.data_folder import subfolders
from service.doctor.finding import Finding

_MB: Final = 1_000_000


def check_shipped_models(paths: Iterable[Path]) -> Iterator[Finding]:
    """Compare every file of the models of the package with its hash."""
    problems = {path.name: _problem_of(path) for path in paths}
    if DEFAULT_MODEL not in problems:
        yield Finding.fail(f"shipped model {DEFAULT_MODEL}", "is missing", "install faqmatch again")
    for name, problem in problems.items():
        what = f"shipped model {name}"
        yield Finding.fail(what, problem, "install faqmatch again") if problem else Finding.ok(what, "whole")


def model_problems(home: Home) -> dict[str, str | None]:
    """Give what is wrong with each model of the home, by the name of its folder."""
    found = {}
    for path in subfolders(home.path / "models"):
        found[path.name] = _problem_of(path, path.name)
    return found


def check_home_models(home: Home, problems: Mapping[str, str | None]) -> Iterator[Finding]:
    """Tell of the home's models; of those that no version uses any more, how much they take."""
    used = models_in_use(home)
    for name, problem in problems.items():
        what, path = f"model {name}", home.path / "models" / name
        if problem and name in used:
            yield Finding.fail(what, problem, "restore it from a backup, or index again")
        elif problem:
            yield Finding.warn(what, f"{problem}; no version uses it", f"remove {path}")
        elif name not in used:
            size = folder_size(path) / _MB
            yield Finding.ok(what, f"whole; no version uses it, its {size:,.1f} MB may be removed")
        else:
            yield Finding.ok(what, "whole")


def models_in_use(home: Home) -> set[str]:
    """Name the models that versions were built with, or that a kb.json names for the next index run."""
    used = set()
    for kb in home.knowledge_bases():
        used |= {listed.manifest.encoder.label for listed in list_versions(kb) if listed.manifest}
        try:
            encoder = Path(kb.read_settings().encoder or "")
        except KnowledgeBaseError:
            continue
        if encoder.parent == home.path / "models":
            used.add(encoder.name)
    return used


def _problem_of(path: Path, label: str | None = None) -> str | None:
    try:
        found = open_directory(path).spec.label
    except ModelDirectoryError as error:
        return str(error)
    return f"{path}: holds {found}" if label is not None and found != label else None
