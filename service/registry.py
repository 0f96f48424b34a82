"""What is being served: the current version of every knowledge base, followed while it is replaced on disk."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from indexer.current import read_current
from indexer.errors import IndexerError, VersionError
from indexer.home import Home, KnowledgeBaseFolder
from indexer.manifest import Manifest
from indexer.version import Version, open_version
from indexer.version_list import version_names
from models.errors import ModelError
from models.message import Message
from service.errors import NotReady, UnknownKnowledgeBase
from service.loaded_model import LoadedModel
from service.matcher import VersionMatcher
from service.matching import KnowledgeBaseInfo, MatchOptions, Readiness, Thresholds
from service.pathless import without_path
from service.reranking import Reranking

_POLL_SECONDS: Final = 0.25
_RETRY_SECONDS: Final = 5.0
_WARM_UP: Final = "warm up 预热"
_UNFORESEEN: Final = Message("its current version cannot be loaded: see the log of the service")


@dataclass(frozen=True, kw_only=True)
class _Served:
    """What stands behind one name. Replaced as a whole, so that a reader never sees half of a change."""

    seen: tuple[bytes, bytes]
    """CURRENT and kb.json as they were looked at."""
    matcher: VersionMatcher | None
    problem: Message | None = None
    looked_at: float = 0.0


class Registry:
    """Serves a home. A context manager: inside it a thread looks for new versions four times a second.

    A version is verified and warmed before it is taken; when that fails the old one keeps serving, and the problem
    is in `describe` and `readiness`. Knowledge bases share the models that fit them, and all of them the reranker.
    """

    def __init__(self, home: Home, reranking: Reranking | None = None) -> None:
        self._home = home
        self._reranking = reranking or Reranking()
        self._served: dict[str, _Served] = {}
        self._models: list[LoadedModel] = []
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watch-current", daemon=True)
        self._log = structlog.get_logger()

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._watcher.join()

    def names(self) -> Sequence[str]:
        """Name the knowledge bases, sorted."""
        return sorted(self._served)

    def matcher(self, kb: str) -> VersionMatcher:
        """Give the matcher of the version now served; UnknownKnowledgeBase or NotReady."""
        matcher = self._find(kb).matcher
        if matcher is None:
            raise NotReady(f"knowledge base {kb} has no version that can be served: see /readyz")
        return matcher

    def describe(self, kb: str) -> KnowledgeBaseInfo:
        """Say what is served under `kb`; UnknownKnowledgeBase."""
        served = self._find(kb)
        if served.matcher is None:
            return KnowledgeBaseInfo(
                name=kb,
                version=None,
                model=None,
                languages=(),
                entries=0,
                phrasings=0,
                thresholds=Thresholds(),
                published_at=None,
                problem=served.problem,
            )
        manifest = served.matcher.version.manifest
        return KnowledgeBaseInfo(
            name=kb,
            version=manifest.version,
            model=manifest.encoder.label,
            languages=manifest.encoder.languages,
            entries=manifest.entries,
            phrasings=manifest.phrasings,
            thresholds=served.matcher.thresholds,
            published_at=manifest.created,
            problem=served.problem,
        )

    def reranker(self) -> str | None:
        """Name the reranker; None where there is none."""
        return self._reranking.label

    def readiness(self) -> Readiness:
        """Say whether queries can be answered: ready while every knowledge base has a version in service."""
        served = dict(self._served)
        problems = tuple(f"{name}: {one.problem}" for name, one in sorted(served.items()) if one.problem)
        if self._reranking.problem:
            problems += (f"reranker: {self._reranking.problem}",)
        return Readiness(ready=all(one.matcher is not None for one in served.values()), problems=problems)

    def refresh(self, only: str | None = None) -> None:
        """Look at every knowledge base once, or at `only` one, and take what is new."""
        folders = {folder.name: folder for folder in self._home.knowledge_bases() if only in (None, folder.name)}
        for name in [name for name in self._served if name not in folders]:
            del self._served[name]
            self._log.info("knowledge base gone", kb=name)
        for folder in folders.values():
            self._refresh_one(folder)
        in_use = [one.matcher.version.manifest for one in self._served.values() if one.matcher]
        self._models = [model for model in self._models if any(map(model.fits, in_use))]

    def _find(self, kb: str) -> _Served:
        try:
            return self._served[kb]
        except KeyError:
            known = ", ".join(self.names()) or "none yet"
            raise UnknownKnowledgeBase(f"no knowledge base {kb!r} is served here (known: {known})") from None

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            try:
                self.refresh()
            except Exception:  # noqa: BLE001 - whatever it is, the versions in service must go on
                self._log.exception("looking for new versions failed")

    def _refresh_one(self, folder: KnowledgeBaseFolder) -> None:
        seen = (_read_or_empty(folder.current_file), _read_or_empty(folder.settings_file))
        before = self._served.get(folder.name)
        retry = before and before.problem and time.monotonic() - before.looked_at >= _RETRY_SECONDS
        if before and before.seen == seen and not retry:
            return
        try:
            after = _Served(seen=seen, matcher=self._load_current(folder))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other knowledge bases must go on
            if _read_or_empty(folder.current_file) != seen[0]:
                return  # replaced while it was being read: the next look takes the newer one
            foreseen = isinstance(error, (IndexerError, ModelError))
            problem = without_path(f"{self._home.path}/", error) if foreseen else _UNFORESEEN
            matcher = before.matcher if before else self._load_earlier(folder)
            after = _Served(seen=seen, matcher=matcher, problem=problem, looked_at=time.monotonic())
            if before is None or before.problem != problem:
                self._log.error(
                    "version refused", kb=folder.name, problem=problem, exc_info=None if foreseen else error
                )
        self._served[folder.name] = after
        if after.problem is None and after.matcher is not None:
            self._log.info("serving", kb=folder.name, version=after.matcher.version.manifest.version)

    def _load_current(self, folder: KnowledgeBaseFolder) -> VersionMatcher:
        current = read_current(folder)
        if current is None:
            raise VersionError(Message("knowledge base {kb}: nothing is published", kb=folder.name))
        return self._make_matcher(folder, folder.versions / current.version, current.manifest_sha256)

    def _load_earlier(self, folder: KnowledgeBaseFolder) -> VersionMatcher | None:
        """Give the newest whole version: at a start with a damaged current one, better than nothing."""
        for name in reversed(version_names(folder)):
            try:
                return self._make_matcher(folder, folder.versions / name, None)
            except Exception:  # noqa: BLE001, S112 - the problem of the current version is the one to tell
                continue
        return None

    def _make_matcher(
        self, folder: KnowledgeBaseFolder, directory: Path, manifest_sha256: str | None
    ) -> VersionMatcher:
        before = self._served.get(folder.name)
        version: Version
        if before and before.matcher and manifest_sha256 and before.matcher.version.directory == directory:
            version = before.matcher.version  # only kb.json has changed
        else:
            version = open_version(directory, manifest_sha256)
        settings = folder.read_settings()
        default = Thresholds()
        answer = default.answer if settings.answer_threshold is None else settings.answer_threshold
        clarify = min(default.clarify, answer) if settings.clarify_threshold is None else settings.clarify_threshold
        model = self._load_model(version.manifest)
        matcher = VersionMatcher(
            version,
            model.matching(self._reranking),
            Thresholds(answer=max(answer, clarify), clarify=clarify),
            settings.default_answer,
        )
        matcher.match(_WARM_UP, MatchOptions())
        return matcher

    def _load_model(self, manifest: Manifest) -> LoadedModel:
        for model in self._models:
            if model.fits(manifest):
                return model
        self._models.append(LoadedModel.open(self._home, manifest))
        return self._models[-1]


def _read_or_empty(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
