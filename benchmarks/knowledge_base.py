"""A knowledge base in a home of the benchmark's own, and its matcher in this process."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.errors import BenchmarkError
from indexer.current import read_current
from indexer.entry import Entry
from indexer.home import Home
from indexer.reindex import Outcome, reindex
from indexer.version import Version, open_version
from models.directory import find_model, open_directory
from models.encoder import OnnxEncoder
from service.commands.terminal import StageProgress
from service.loaded_model import LoadedModel
from service.matcher import VersionMatcher
from service.matching import Thresholds
from service.reranking import Reranking

KB: Final = "benchmark"
"""Name of a benchmark's knowledge base, where it has one only."""


def build_knowledge_base(home: Path, entries: Sequence[Entry], model: str, threads: int, kb: str = KB) -> Outcome:
    """Index and publish `entries` as `faqmatch index` does."""
    home_folder = Home(home)
    home_folder.prepare()
    directory = home_folder.adopt_model(open_directory(find_model(model)))
    with StageProgress() as progress:
        encoder = OnnxEncoder.load(directory, threads)
        return reindex(home_folder, home_folder.knowledge_base(kb), entries, encoder, progress)


@dataclass(frozen=True, kw_only=True)
class OpenKnowledgeBase:
    """The published version and its model, as a service loads them."""

    version: Version
    model: LoadedModel

    @classmethod
    def open(cls, home: Path, kb: str = KB) -> Self:
        """Verify and load what is published in `home`."""
        home_folder = Home(home)
        folder = home_folder.existing_knowledge_base(kb)
        current = read_current(folder)
        if current is None:
            raise BenchmarkError(f"knowledge base {kb}: nothing is published")
        version = open_version(folder.versions / current.version, current.manifest_sha256)
        return cls(version=version, model=LoadedModel.open(home_folder, version.manifest))

    def matcher(self, version: Version | None = None) -> VersionMatcher:
        """Give a matcher with the default thresholds, over this version or one that was made of it."""
        return VersionMatcher(version or self.version, self.model.matching(Reranking()), Thresholds())
