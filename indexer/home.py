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
from pathlib import Path
from uuid import uuid4

from indexer import durable
from indexer.errors import EncoderMismatch, HomeError, KnowledgeBaseError
from indexer.kb_settings import KnowledgeBaseSettings, check_settings
from indexer.manifest import Manifest
from indexer.model_seal import check_seal, recorded_seals, seal_of
from models.directory import ModelDirectory, open_directory
from models.errors import ModelDirectoryError
from models.message import Message
from models.types import EncoderSpec

_KB_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


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
                said = Message(
                    "{file}: is missing: restore it, or write {{}} there for the defaults", file=self.settings_file
                )
                raise KnowledgeBaseError(said) from None
            return KnowledgeBaseSettings(name=self.name)
        except (OSError, ValueError) as error:
            said = Message("{file}: cannot be read ({reason}): correct the file", file=self.settings_file, reason=error)
            raise KnowledgeBaseError(said) from error
        return check_settings(self.settings_file, self.name, raw)

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
                Message(
                    "knowledge base {kb!r}: a name is 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or digit",
                    kb=name,
                )
            )
        return KnowledgeBaseFolder(self._kbs / name)

    def existing_knowledge_base(self, name: str) -> KnowledgeBaseFolder:
        """Give the folder of a published knowledge base; KnowledgeBaseError lists those there are."""
        folder = self.knowledge_base(name)
        if not folder.is_published:
            known = ", ".join(kb.name for kb in self.knowledge_bases()) or Message("none yet")
            raise KnowledgeBaseError(
                Message(
                    "knowledge base {kb}: not found in {home} (there: {known}): make it with faqmatch index",
                    kb=name,
                    home=self.path,
                    known=known,
                )
            )
        return folder

    def model_path(self, spec: EncoderSpec) -> Path:
        """Where the home's own copy of a model lies."""
        return self.path / "models" / spec.label

    def existing_model(self, spec: EncoderSpec) -> Path:
        """Give where the copy of a model lies that a version was built with; EncoderMismatch when it is gone."""
        path = self.model_path(spec)
        if not path.is_dir():
            problem = Message("{folder}: is missing, the index was built with it", folder=path)
            fix = Message("restore it from a backup, or index again")
            raise EncoderMismatch(Message("{problem}: {fix}", problem=problem, fix=fix))
        return path

    def open_model(self, spec: EncoderSpec) -> ModelDirectory:
        """Verify the copy of a model.

        EncoderMismatch when it is gone or another, ModelDirectoryError when it is damaged.
        """
        directory = open_directory(self.existing_model(spec))
        check_encoder(directory.path, directory.spec, spec)
        return directory

    def check_model(self, manifest: Manifest) -> None:
        """Verify the copy of the model that a version was built with; raises as `open_model`, and where it changed."""
        check_seal(self.open_model(manifest.encoder).path, manifest)

    def cache_file(self, spec: EncoderSpec) -> Path:
        """Where the vectors of a model are remembered."""
        return self.path / "cache" / f"{spec.digest[:12]}.sqlite"

    def adopt_model(self, source: ModelDirectory) -> ModelDirectory:
        """Copy a model into the home unless a copy that can be trusted is there, and give the verified copy.

        From then on the versions built with it do not depend on the package they came with. Under the lock nobody
        else copies or repairs, so that what lies half copied in the folder was left by a run that was killed.
        """
        target = self.model_path(source.spec)
        durable.make_directory(target.parent)
        with durable.exclusive(self.path / "models.lock"):
            with suppress(HomeError):  # what cannot be removed is in nobody's way
                durable.sweep_leftovers(target.parent)
            found = self._trusted_copy(source, target)
            if found is None:
                self._copy_model(source, target)
                return open_directory(target)
            durable.sync_directory(target.parent)  # who copied it may have been killed before that
            return found

    def _trusted_copy(self, source: ModelDirectory, target: Path) -> ModelDirectory | None:
        """Give the copy where it is whole and what a version recorded, or the same as the source.

        It need not be the same: a later release may have the same vectors and another card. Where no version has
        recorded anything, whatever is whole is taken.
        """
        try:
            found = open_directory(target)
        except ModelDirectoryError:
            return None
        recorded = recorded_seals(self._kbs.glob("*/versions/[0-9]*/"), source.spec)
        unchanged = not recorded or seal_of(target) in {*recorded, seal_of(source.path)}
        return found if unchanged and found.spec.label == source.spec.label else None

    def _copy_model(self, source: ModelDirectory, target: Path) -> None:
        with staging_folder(target.parent) as staging:
            for name in (*source.sha256, "spec.json"):
                durable.copy_file(source.file(name), staging / name)
            open_directory(staging)
            if not target.exists():
                durable.move_into_place(staging, target)
                return
            # Damaged or changed. Moved away before anything is removed: whoever has opened a file of it keeps that.
            with staging_folder(target.parent) as former:
                durable.move_into_place(target, former)
                durable.move_into_place(staging, target)


def check_encoder(path: Path, found: EncoderSpec, wanted: EncoderSpec) -> None:
    """Raise EncoderMismatch unless the model that lies in `path` is the one that an index was built with."""
    if found.digest != wanted.digest:
        problem = Message(
            "{folder}: holds {found}, the index was built with {wanted}",
            folder=path,
            found=found.label,
            wanted=wanted.label,
        )
        fix = Message("index again, or restore the model")
        raise EncoderMismatch(Message("{problem}: {fix}", problem=problem, fix=fix))


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
