"""The data home: where what lies, and the settings of a knowledge base.

<home>/models/<name>@<digest12>/     the model each version was built with
       models.lock                   one copy of a model at a time
       cache/<digest12>.sqlite       vectors of encoded texts; disposable
       kbs/<kb>/kb.json              settings of the knowledge base
       kbs/<kb>/settings.lock        one writer of them at a time
       kbs/<kb>/CURRENT              which version is served
       kbs/<kb>/PUBLISHING           the version on its way to CURRENT, where a run was stopped
       kbs/<kb>/publish.lock         one publisher at a time
       kbs/<kb>/versions/<version>/  the versions
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from indexer import durable
from indexer.errors import EncoderMismatch, HomeError, KnowledgeBaseError
from models.directory import ModelDirectory, open_directory
from models.errors import ModelDirectoryError
from models.types import EncoderSpec

_KB_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class KnowledgeBaseSettings:
    """`kb.json`: what an operator decides for one knowledge base. None means the default of faqmatch."""

    name: str
    encoder: str | None = None
    """Model name or folder for the next index."""
    answer_threshold: float | None = None
    clarify_threshold: float | None = None
    default_answer: str | None = None
    """Given with every `reject`."""


class KnowledgeBaseFolder:
    """The folder of one knowledge base."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.versions = path / "versions"
        self.current_file = path / "CURRENT"
        self.publishing_file = path / "PUBLISHING"
        self.lock_file = path / "publish.lock"
        self.settings_file = path / "kb.json"
        self.settings_lock = path / "settings.lock"

    @property
    def is_published(self) -> bool:
        """Whether a version was ever made current; CURRENT itself may have been lost since."""
        on_its_way = self.publishing_file.exists()
        return self.current_file.is_file() or (not on_its_way and any(self.versions.glob("[0-9]*/manifest.json")))

    def read_settings(self) -> KnowledgeBaseSettings:
        """Read `kb.json`; KnowledgeBaseError names the wrong field and what is allowed.

        It may be missing only before the first publish: later that would bring other thresholds, unnoticed.
        """
        try:
            raw = json.loads(self.settings_file.read_bytes())
        except FileNotFoundError:
            if self.is_published:
                fix = "restore it, or write {} there for the defaults"
                raise KnowledgeBaseError(f"{self.settings_file}: is missing: {fix}") from None
            return KnowledgeBaseSettings(name=self.name)
        except (OSError, ValueError) as error:
            raise KnowledgeBaseError(f"{self.settings_file}: cannot be read ({error}): correct the file") from error
        return _check_settings(self.settings_file, self.name, raw)

    def write_settings(self, settings: KnowledgeBaseSettings) -> None:
        """Replace `kb.json`."""
        content = (json.dumps(vars(settings), indent=2, ensure_ascii=False) + "\n").encode()
        with durable.exclusive(self.settings_lock):
            durable.replace_file(self.settings_file, content)


class Home:
    """A data home. Making the object touches nothing; `prepare` creates and checks the folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._kbs = self.path / "kbs"

    def prepare(self) -> None:
        """Create the folders; HomeError when they cannot be written."""
        for folder in (self.path, self._kbs, self.path / "models", self.path / "cache"):
            durable.make_directory(folder)
        durable.check_writable(self.path)

    def knowledge_bases(self) -> list[KnowledgeBaseFolder]:
        """Give the knowledge bases that have been published, in name order."""
        found = map(KnowledgeBaseFolder, self._kbs.glob("*/"))
        return sorted((folder for folder in found if folder.is_published), key=lambda folder: folder.name)

    def knowledge_base(self, name: str) -> KnowledgeBaseFolder:
        """Give the folder of a knowledge base, whether it exists or not; KnowledgeBaseError on a bad name."""
        if not _KB_NAME.fullmatch(name):
            raise KnowledgeBaseError(
                f"knowledge base {name!r}: a name is 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or digit"
            )
        return KnowledgeBaseFolder(self._kbs / name)

    def existing_knowledge_base(self, name: str) -> KnowledgeBaseFolder:
        """Give the folder of a published knowledge base; KnowledgeBaseError lists those there are."""
        folder = self.knowledge_base(name)
        if not folder.is_published:
            known = ", ".join(kb.name for kb in self.knowledge_bases()) or "none yet"
            raise KnowledgeBaseError(
                f"knowledge base {name}: not found in {self.path} (there: {known}): make it with faqmatch index"
            )
        return folder

    def model_path(self, spec: EncoderSpec) -> Path:
        """Where the home's own copy of a model lies."""
        return self.path / "models" / spec.label

    def existing_model(self, spec: EncoderSpec) -> Path:
        """Give where the copy of a model lies that a version was built with; EncoderMismatch when it is gone."""
        path = self.model_path(spec)
        if not path.is_dir():
            raise EncoderMismatch(
                f"{path}: is missing, the index was built with it: restore it from a backup, or index again"
            )
        return path

    def open_model(self, spec: EncoderSpec) -> ModelDirectory:
        """Verify the copy of a model that a version was built with.

        EncoderMismatch when it is gone or another, ModelDirectoryError when it is damaged.
        """
        directory = open_directory(self.existing_model(spec))
        check_encoder(directory.path, directory.spec, spec)
        return directory

    def cache_file(self, spec: EncoderSpec) -> Path:
        """Where the vectors of a model are remembered."""
        return self.path / "cache" / f"{spec.digest[:12]}.sqlite"

    def adopt_model(self, source: ModelDirectory) -> ModelDirectory:
        """Copy a model into the home unless it is there, and give the verified copy.

        From then on the versions built with it do not depend on the package they came with. Under the lock nobody
        else copies or repairs, so that what lies half copied in the folder was left by a run that was killed.
        """
        target = self.model_path(source.spec)
        durable.make_directory(target.parent)
        with durable.exclusive(self.path / "models.lock"):
            with suppress(HomeError):  # what cannot be removed is in nobody's way
                durable.sweep_leftovers(target.parent)
            try:
                found = open_directory(target)
            except ModelDirectoryError:
                self._copy_model(source, target)
                return open_directory(target)
            durable.sync_directory(target.parent)  # who copied it may have been killed before that
            return found

    def _copy_model(self, source: ModelDirectory, target: Path) -> None:
        with staging_folder(target.parent) as staging:
            for name in (*source.sha256, "spec.json"):
                durable.copy_file(source.file(name), staging / name)
            open_directory(staging)
            if target.exists():  # damaged, and the source is whole
                durable.remove_tree(target)
            durable.move_into_place(staging, target)


def check_encoder(path: Path, found: EncoderSpec, wanted: EncoderSpec) -> None:
    """Raise EncoderMismatch unless the model that lies in `path` is the one that an index was built with."""
    if found.digest != wanted.digest:
        raise EncoderMismatch(
            f"{path}: holds {found.label}, the index was built with {wanted.label}: index again, or restore the model"
        )


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """Give a new folder beside its future place; what is still there at the end is removed."""
    staging = parent / f"{durable.STAGING_PREFIX}{uuid4().hex}"
    durable.make_directory(staging)
    try:
        yield staging
    finally:
        if staging.exists():
            durable.remove_tree(staging)


def _check_settings(file: Path, name: str, raw: object) -> KnowledgeBaseSettings:
    if not isinstance(raw, dict):
        raise KnowledgeBaseError(f"{file}: must hold one JSON object")
    unknown = sorted(set(raw) - set(KnowledgeBaseSettings.__dataclass_fields__))
    if unknown:
        allowed = ", ".join(KnowledgeBaseSettings.__dataclass_fields__)
        raise KnowledgeBaseError(f"{file}: unknown field {unknown[0]} (allowed: {allowed})")
    for field in ("encoder", "default_answer"):
        if not isinstance(raw.get(field), str | None):
            raise KnowledgeBaseError(f"{file}: {field} must be a text or null")
    answer, clarify = raw.get("answer_threshold"), raw.get("clarify_threshold")
    for field, value in (("answer_threshold", answer), ("clarify_threshold", clarify)):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and 0 <= value <= 1):
            raise KnowledgeBaseError(f"{file}: {field} must be a number from 0 to 1, or null")
    if answer is not None and clarify is not None and clarify > answer:
        raise KnowledgeBaseError(f"{file}: clarify_threshold {clarify} is above answer_threshold {answer}")
    return KnowledgeBaseSettings(**{**raw, "name": name})
