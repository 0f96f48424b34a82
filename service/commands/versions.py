"""`faqmatch versions`, `rollback`, `verify`."""

from indexer.errors import IndexerError, VersionError
from indexer.home import Home
from indexer.publishing import ListedVersion, folder_size, list_versions, roll_back
from models.errors import ModelError
from service.commands.terminal import say, show_table


def show_versions(home: Home, kb_name: str) -> None:
    """List the versions of a knowledge base, oldest first."""
    kb = home.existing_knowledge_base(kb_name)
    rows = []
    for listed in list_versions(kb):
        mark = "current" if listed.current else ""
        if listed.manifest is None:
            rows.append([listed.name, mark, listed.problem or "", "", "", "", ""])
            continue
        manifest = listed.manifest
        size = folder_size(kb.versions / listed.name)
        rows.append(
            [
                listed.name,
                mark,
                f"{manifest.entries:,}",
                f"{manifest.phrasings:,}",
                f"{manifest.index.kind}, recall {manifest.index.recall_at_10:.3f}",
                manifest.encoder.label + ("" if home.model_path(manifest.encoder).is_dir() else " (missing)"),
                f"{size / 1e6:,.1f} MB",
            ]
        )
    show_table(["version", "", "entries", "phrasings", "index", "model", "size"], rows)


def rollback(home: Home, kb_name: str, to: str | None) -> None:
    """Make an earlier version current, whose model must be there too; a running service takes it within a second."""
    version = roll_back(home.existing_knowledge_base(kb_name), to, home.open_model)
    say(f"knowledge base {kb_name}: version {version} is current")


def verify(home: Home, kb_name: str | None) -> None:
    """Compare every file of every version and of their models with its hash; VersionError counts what failed."""
    kbs = [home.existing_knowledge_base(kb_name)] if kb_name else home.knowledge_bases()
    failed = checked = 0
    models: dict[str, str | None] = {}
    for kb in kbs:
        for listed in list_versions(kb, verify=True):
            problem = listed.problem or _check_model(home, listed, models)
            checked += 1
            failed += problem is not None
            say(f"{kb.name} {listed.name}{' (current)' if listed.current else ''}: {problem or 'whole'}")
    if failed:
        raise VersionError(
            f"{failed} of {checked} versions cannot be trusted: roll back to a whole one, or index again"
        )
    say(f"{checked} versions, all whole")


def _check_model(home: Home, listed: ListedVersion, checked: dict[str, str | None]) -> str | None:
    """Give what is wrong with the model of a version, looking at each model once."""
    assert listed.manifest is not None
    spec = listed.manifest.encoder
    if spec.digest not in checked:
        try:
            home.open_model(spec)
            checked[spec.digest] = None
        except (IndexerError, ModelError) as error:
            checked[spec.digest] = str(error)
    return checked[spec.digest]
