"""The home's copy of an encoder in memory, with what belongs to it: shared by the versions that were built with it."""

from dataclasses import dataclass
from typing import Self

from indexer.home import Home, check_encoder
from indexer.manifest import Manifest
from indexer.model_seal import check_seal, seal_of
from models.confidence import ConfidenceMap
from models.directory import open_directory
from models.encoder import OnnxEncoder
from models.interaction import OnnxInteractionHead, has_interaction_head
from models.types import Encoder, InteractionHead
from service.matcher import MatchingModels
from service.reranking import Reranking


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """An encoder of the home, the confidence map and the interaction head, if any, that belong to it."""

    encoder: Encoder
    confidence: ConfidenceMap
    interaction: InteractionHead | None = None
    seal: str | None

    @classmethod
    def open(cls, home: Home, manifest: Manifest) -> Self:
        """Load the home's copy of the model of a version; EncoderMismatch when it is gone, another or changed."""
        path, spec = home.existing_model(manifest.encoder), manifest.encoder
        directory = open_directory(path)
        encoder = OnnxEncoder.load(directory)
        check_encoder(path, encoder.spec, spec)
        confidence = ConfidenceMap.read(path / "confidence.json", spec.digest)
        interaction = OnnxInteractionHead.open(directory) if has_interaction_head(directory) else None
        check_seal(path, manifest)
        return cls(encoder=encoder, confidence=confidence, interaction=interaction, seal=seal_of(path))

    def fits(self, manifest: Manifest) -> bool:
        """Say whether a version was built with this encoder and, unless it recorded none, this very seal."""
        return self.encoder.spec.digest == manifest.encoder.digest and manifest.model_seal in (None, self.seal)

    def matching(self, reranking: Reranking) -> MatchingModels:
        """Give the models that queries are matched with."""
        return MatchingModels(
            encoder=self.encoder, confidence=self.confidence, interaction=self.interaction, reranking=reranking
        )
