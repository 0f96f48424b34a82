"""Which reranker this process works with: the one of the setting, else the shipped one, where there is one."""

from pathlib import Path
from typing import Final

import structlog

from models.directory import PRETRAINED
from models.errors import ModelDirectoryError, ModelError
from models.message import Message
from models.reranker import OnnxReranker
from models.reranker_directory import DEFAULT_RERANKER, find_reranker
from service.pathless import without_path
from service.reranking import Reranking
from service.settings import refuse_model

GO_WITHOUT: Final = "none"
"""What the setting says where there is to be no reranker."""
_SETTING: Final = "reranker"


def choose_reranker(setting: str | None, shipped: Path = PRETRAINED) -> Path | None:
    """Give the directory of the reranker, None where there is none to be had, or none is wanted.

    `shipped` is the folder of the package's models. Raises ModelDirectoryError where the setting names what is not
    there; what is there may still be damaged.
    """
    if setting == GO_WITHOUT:
        return None
    if setting is None:
        default = shipped / DEFAULT_RERANKER
        return default if default.is_dir() else None
    try:
        return find_reranker(setting, shipped)
    except ModelDirectoryError as error:
        raise refuse_model(_SETTING, error) from None


def load_reranking(setting: str | None, shipped: Path = PRETRAINED) -> Reranking:
    """Verify and load the reranker; what is wrong with it is a problem to be told, and queries go on without it.

    Raises ModelDirectoryError as `choose_reranker` does.
    """
    path = choose_reranker(setting, shipped)
    if path is None:
        return Reranking(absence=absence_of(setting))
    log = structlog.get_logger()
    try:
        reranker = OnnxReranker.open(path)
        reranker.relevance("warm up", ["预热"])
    except Exception as error:  # whatever it is, queries can be answered without it
        foreseen = isinstance(error, ModelError)
        problem = without_path(f"{path.parent}/", error) if foreseen else _unforeseen(path)
        log.error("reranker refused", problem=problem, exc_info=None if foreseen else error)
        return Reranking(problem=problem)
    log.info("reranker loaded", reranker=reranker.spec.label)
    return Reranking(reranker=reranker)


def absence_of(setting: str | None) -> Message:
    """Say why there is no reranker where `choose_reranker` gives none."""
    if setting == GO_WITHOUT:
        return Message("the setting reranker is none")
    return Message("no reranker is part of this release")


def _unforeseen(path: Path) -> Message:
    return Message("{model}: cannot be loaded: see the log of the service", model=path.name)
