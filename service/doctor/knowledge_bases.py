"""Checks of the knowledge bases: every byte of every version, CURRENT, kb.json; and how much they take."""

from collections.abc import Iterator, Mapping
from typing import Final

from indexer.errors import IndexerError, KnowledgeBaseError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.publishing import ListedVersion, folder_size, list_versions, version_names
from models.directory import DEFAULT_MODEL, find_model
from models.errors import ModelDirectoryError
from service.doctor.finding import Finding

SERVICE_MEMORY: Final = 250_000_000
"""Bytes of a service with one model and small knowledge bases (`python -m benchmarks publish_under_load`)."""
MODEL_MEMORY: Final = 125_000_000
"""Bytes that each further model takes."""


def check_knowledge_base(home: Home, kb: KnowledgeBaseFolder, models: Mapping[str, str | None]) -> Iterator[Finding]:
    """Compare every file of every version with its hash, look for its model, and read CURRENT and kb.json."""
    yield _check_settings(kb)
    for listed in list_versions(kb, verify=True):
        if listed.name != kb.settings_file.name:
            yield _check_version(home, kb, listed, models)


def names_of_versions(home: Home) -> list[str]:
    """Name the versions of all knowledge bases."""
    return [name for kb in home.knowledge_bases() for name in version_names(kb)]


def largest_version(home: Home) -> int:
    """Give the bytes of the largest version of all knowledge bases."""
    sizes = (folder_size(kb.versions / name) for kb in home.knowledge_bases() for name in version_names(kb))
    return max(sizes, default=0)


def needed_memory(home: Home) -> int:
    """Estimate the bytes that serving takes: a version as much as its folder, the largest twice while it is replaced.

    A version of 20,000 phrasings has a folder of 66 MB and took 45 MB.
    """
    current = [
        (kb.versions / listed.name, listed.manifest.encoder.label)
        for kb in home.knowledge_bases()
        for listed in list_versions(kb)
        if listed.current and listed.manifest
    ]
    sizes = [folder_size(path) for path, _ in current]
    further_models = max(0, len({label for _, label in current}) - 1)
    return SERVICE_MEMORY + further_models * MODEL_MEMORY + sum(sizes) + max(sizes, default=0)


def _check_settings(kb: KnowledgeBaseFolder) -> Finding:
    what = f"{kb.name} kb.json"
    try:
        encoder = kb.read_settings().encoder
    except KnowledgeBaseError as error:
        return Finding.fail(what, str(error), "docs/using.md shows how it is written")
    try:
        find_model(encoder or DEFAULT_MODEL)
    except ModelDirectoryError as error:
        found = f"{error}: the next index run would stop"
        return Finding.warn(what, found, f"index with --model NAME once, such as --model {DEFAULT_MODEL}")
    return Finding.ok(what, f"valid; the next index run takes the encoder {encoder or DEFAULT_MODEL}")


def _check_version(
    home: Home, kb: KnowledgeBaseFolder, listed: ListedVersion, models: Mapping[str, str | None]
) -> Finding:
    what = f"{kb.name} {listed.name}" + (" (current)" if listed.current else "")
    problem = listed.problem or _model_problem(home, listed, models)
    if problem is None:
        assert listed.manifest is not None
        return Finding.ok(what, f"whole, {listed.manifest.phrasings:,} phrasings with {listed.manifest.encoder.label}")
    reason, _, fix = problem.rpartition(": ")  # errors of versions and of their models end with the way out
    if listed.current:
        return Finding.fail(what, reason, fix)
    if listed.problem:
        fix = "nothing can be rolled back to it; index runs to come remove it"
    return Finding.warn(what, reason, fix)


def _model_problem(home: Home, listed: ListedVersion, models: Mapping[str, str | None]) -> str | None:
    assert listed.manifest is not None
    spec = listed.manifest.encoder
    try:
        home.existing_model(spec)
    except IndexerError as error:
        return str(error)
    problem = models.get(spec.label)
    return f"its model is damaged, {problem}: restore it from a backup, or index again" if problem else None
