"""Checks of the models: those of the package, and the home's own copies that its versions were built with."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from indexer.errors import KnowledgeBaseError
from indexer.home import Home
from indexer.version_list import folder_size, list_versions
from models.directory import DEFAULT_MODEL, PRETRAINED, open_directory
from models.errors import ModelDirectoryError
from models.message import Message
from models.reranker_directory import open_reranker_directory
from service.doctor.data_folder import subfolders
from service.doctor.finding import Finding, problem_and_fix
from service.doctor.knowledge_bases import MODEL_MEMORY
from service.reranker_choice import absence_of, choose_reranker

_MB: Final = 1_000_000


def check_shipped_models(paths: Iterable[Path]) -> Iterator[Finding]:
    """Compare every file of the models of the package with its hash."""
    problems = {path.name: _problem_of(path) for path in paths}
    if DEFAULT_MODEL not in problems:
        what = Message("shipped model {model}", model=DEFAULT_MODEL)
        yield Finding.fail(what, Message("is missing"), Message("install faqmatch again"))
    for name, problem in problems.items():
        what = Message("shipped model {model}", model=name)
        if problem:
            yield Finding.fail(what, problem, Message("install faqmatch again"))
        else:
            yield Finding.ok(what, Message("whole"))


def check_reranker(setting: str | None, shipped: Path = PRETRAINED) -> Finding:
    """Compare every file of the reranker that `serve` would take with its hash; `setting` is what the settings say."""
    what = Message("reranker")
    try:
        path = choose_reranker(setting, shipped)
    except ModelDirectoryError as error:
        found = Message("{problem}: the service will not start", problem=error)
        return Finding.fail(what, found, Message("correct it, or take it out of the settings"))
    if path is None:
        return Finding.ok(what, Message("none, {reason}", reason=absence_of(setting)))
    try:
        spec = open_reranker_directory(path).spec
    except ModelDirectoryError as error:
        problem, fix = problem_and_fix(error.message, Message("set reranker to none"))
        return Finding.warn(what, Message("{problem}; queries go on without it", problem=problem), fix)
    return Finding.ok(what, Message("{model}: whole", model=spec.label))


def memory_of_reranker(setting: str | None, shipped: Path = PRETRAINED) -> int:
    """Estimate the bytes that the reranker takes while it serves."""
    try:
        return MODEL_MEMORY if choose_reranker(setting, shipped) else 0
    except ModelDirectoryError:
        return 0


def model_problems(home: Home) -> dict[str, Message | None]:
    """Give what is wrong with each model of the home, by the name of its folder."""
    found = {}
    for path in subfolders(home.path / "models"):
        found[path.name] = _problem_of(path, path.name)
    return found


def check_home_models(home: Home, problems: Mapping[str, Message | None]) -> Iterator[Finding]:
    """Tell of the home's models; of those that no version uses any more, how much they take."""
    used = models_in_use(home)
    for name, problem in problems.items():
        what, path = Message("model {model}", model=name), home.path / "models" / name
        if problem and name in used:
            yield Finding.fail(what, problem, Message("restore it from a backup, or index again"))
        elif problem:
            found = Message("{problem}; no version uses it", problem=problem)
            yield Finding.warn(what, found, Message("remove {folder}", folder=path))
        elif name not in used:
            size = folder_size(path) / _MB
            yield Finding.ok(what, Message("whole; no version uses it, its {size:,.1f} MB may be removed", size=size))
        else:
            yield Finding.ok(what, Message("whole"))


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


def _problem_of(path: Path, label: str | None = None) -> Message | None:
    try:
        found = open_directory(path).spec.label
    except ModelDirectoryError as error:
        return error.message
    if label is None or found == label:
        return None
    return Message("{folder}: holds {model}", folder=path, model=found)
