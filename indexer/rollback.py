"""Going back to a version that was served before."""

from collections.abc import Callable

from indexer.current import current_version
from indexer.errors import IndexerError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.manifest import Manifest
from indexer.publishing import make_current, publish_lock
from indexer.version import open_version
from indexer.version_list import version_names
from models.errors import ModelError
from models.message import Message


def _take_for_granted(_manifest: Manifest) -> None:
    """Look at no model."""


def roll_back(
    kb: KnowledgeBaseFolder,
    to: str | None = None,
    check_model: Callable[[Manifest], object] = _take_for_granted,
) -> str:
    """Make another version current, by default the newest whole one before the current; give its name.

    `check_model` raises where the model of a version is not to be had. VersionError when there is no version, or when
    `to` is missing or damaged, and what `check_model` raises of `to`: CURRENT then stays as it is.
    """
    with publish_lock(kb):
        names = version_names(kb)
        if to is not None:
            if to not in names:
                there = ", ".join(names) or Message("none")
                raise VersionError(Message("version {version}: not found (there: {there})", version=to, there=there))
            check_model(open_version(kb.versions / to).manifest)
            make_current(kb, to)
            return to
        current, refused = current_version(kb), None
        for name in reversed([name for name in names if current is None or name < current]):
            try:
                check_model(open_version(kb.versions / name).manifest)
            except (IndexerError, ModelError) as error:
                refused = refused or error
                continue
            make_current(kb, name)
            return name
        if refused is None:
            raise VersionError(
                Message("knowledge base {kb}: no whole version before the current one: index again", kb=kb.name)
            )
        raise VersionError(
            Message(
                "knowledge base {kb}: no whole version before the current one ({reason}): index again",
                kb=kb.name,
                reason=refused,
            )
        )
