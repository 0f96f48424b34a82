"""Checks of the knowledge bases: every byte of every version, CURRENT, kb.json; and how much they take."""

from collections.abc import Iterator, Mapping
from typing import Final

from indexer.errors import IndexerError, KnowledgeBaseError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.model_seal import check_seal
from indexer.version_list import ListedVersion, folder_size, list_versions, version_names
from models.directory import DEFAULT_MODEL, find_model
from models.errors import ModelDirectoryError
from models.message import Message
from service.doctor.finding import Finding, problem_and_fix

SERVICE_MEMORY: Final = 250_000_000
"""Bytes of a service with one model and small knowledge bases (`python -m benchmarks publish_under_load`)."""
MODEL_MEMORY: Final = 125_000_000
"""Bytes that each further model takes, the reranker included."""


def check_knowledge_base(
    home: Home, kb: KnowledgeBaseFolder, models: Mapping[str, Message | None]
) -> Iterator[Finding]:
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
    what = Message("{kb} kb.json", kb=kb.name)
    try:
        encoder = kb.read_settings().encoder
    except KnowledgeBaseError as error:
        return Finding.fail(what, error.message, Message("docs/using.md shows how it is written"))
    try:
        find_model(encoder or DEFAULT_MODEL)
    except ModelDirectoryError as error:
        found = Message("{problem}: the next index run would stop", problem=error)
        fix = Message("index with --model NAME once, such as --model {model}", model=DEFAULT_MODEL)
        return Finding.warn(what, found, fix)
    if encoder:
        return Finding.ok(what, Message("valid; the next index run takes the encoder {model}", model=encoder))
    return Finding.ok(what, Message("valid; the next index run takes an encoder for the languages of the FAQ"))


def _check_version(
    home: Home, kb: KnowledgeBaseFolder, listed: ListedVersion, models: Mapping[str, Message | None]
) -> Finding:
    what = listed.name_in(kb.name)
    problem = listed.problem or _model_problem(home, listed, models)
    if problem is None:
        assert listed.manifest is not None
        found = Message(
            "whole, {phrasings:,} phrasings with {model}",
            phrasings=listed.manifest.phrasings,
            model=listed.manifest.encoder.label,
        )
        return Finding.ok(what, found)
    reason, fix = problem_and_fix(problem, Message("roll back, or index again"))
    if listed.current:
        return Finding.fail(what, reason, fix)
    if listed.problem:
        fix = Message("nothing can be rolled back to it; index runs to come remove it")
    return Finding.warn(what, reason, fix)


def _model_problem(home: Home, listed: ListedVersion, models: Mapping[str, Message | None]) -> Message | None:
    assert listed.manifest is not None
    spec = listed.manifest.encoder
    try:
        path = home.existing_model(spec)
        if problem := models.get(spec.label):
            damaged = Message("its model is damaged, {problem}", problem=problem)
            fix = Message("restore it from a backup, or index again")
            return Message("{problem}: {fix}", problem=damaged, fix=fix)
        check_seal(path, listed.manifest)
    except IndexerError as error:
        return error.message
    return None
