"""`faqmatch versions`, `rollback`, `verify`."""

from collections.abc import Callable
from functools import partial

from indexer.errors import IndexerError, VersionError
from indexer.home import Home
from indexer.model_seal import check_seal
from indexer.rollback import roll_back
from indexer.version_list import ListedVersion, folder_size, list_versions
from models.errors import ModelError
from models.message import Message
from service.commands.terminal import say, show_table


def show_versions(home: Home, kb_name: str) -> None:
    """List the versions of a knowledge base, oldest first."""
    kb = home.existing_knowledge_base(kb_name)
    rows: list[list[str]] = []
    for listed in list_versions(kb):
        mark = Message("current") if listed.current else ""
        if listed.manifest is None:
            rows.append([listed.name, mark, listed.problem or "", "", "", "", ""])
            continue
        manifest = listed.manifest
        size = folder_size(kb.versions / listed.name)
        index = Message("{kind}, recall {recall:.3f}", kind=manifest.index.kind, recall=manifest.index.recall_at_10)
        model, is_there = manifest.encoder.label, home.model_path(manifest.encoder).is_dir()
        rows.append(
            [
                listed.name,
                mark,
                f"{manifest.entries:,}",
                f"{manifest.phrasings:,}",
                index,
                model if is_there else Message("{model} (missing)", model=model),
                f"{size / 1e6:,.1f} MB",
            ]
        )
    columns = [
        Message("version"),
        Message("{name}", name=""),
        Message("entries"),
        Message("phrasings"),
        Message("index"),
        Message("model"),
        Message("size"),
    ]
    show_table(columns, rows)


def rollback(home: Home, kb_name: str, to: str | None) -> None:
    """Make an earlier version current, whose model must be there too; a running service takes it within a second."""
    version = roll_back(home.existing_knowledge_base(kb_name), to, home.check_model)
    say(Message("knowledge base {kb}: version {version} is current", kb=kb_name, version=version))


def verify(home: Home, kb_name: str | None) -> None:
    """Compare every file of every version and of their models with its hash; VersionError counts what failed."""
    kbs = [home.existing_knowledge_base(kb_name)] if kb_name else home.knowledge_bases()
    failed = checked = 0
    models: dict[str, Message | None] = {}
    for kb in kbs:
        for listed in list_versions(kb, verify=True):
            problem = listed.problem or _check_model(home, listed, models)
            checked += 1
            failed += problem is not None
            state = problem or Message("whole")
            say(Message("{version}: {state}", version=listed.name_in(kb.name), state=state))
    if failed:
        raise VersionError(
            Message(
                "{failed} of {checked} versions cannot be trusted: roll back to a whole one, or index again",
                failed=failed,
                checked=checked,
            )
        )
    say(Message("{checked} versions, all whole", checked=checked))


def _check_model(home: Home, listed: ListedVersion, checked: dict[str, Message | None]) -> Message | None:
    """Give what is wrong with the model of a version, reading each model once."""
    assert listed.manifest is not None
    spec = listed.manifest.encoder
    if spec.label not in checked:
        checked[spec.label] = _problem_of(partial(home.open_model, spec))
    return checked[spec.label] or _problem_of(partial(check_seal, home.model_path(spec), listed.manifest))


def _problem_of(check: Callable[[], object]) -> Message | None:
    try:
        check()
    except (IndexerError, ModelError) as error:
        return error.message
    return None
