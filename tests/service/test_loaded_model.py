from dataclasses import replace

import numpy as np
import pytest

from indexer.current import read_current
from indexer.version import read_manifest
from models import normalise
from models.directory import hash_file, open_directory, write_spec
from models.errors import ModelDirectoryError
from models.interaction import INTERACTION, OnnxInteractionHead
from models.interaction_graph import InteractionWeights, build_interaction_graph
from service.loaded_model import LoadedModel
from service.matching import MatchOptions
from service.registry import Registry
from service.reranking import Reranking


def current_manifest(home):
    kb = home.knowledge_base("demo")
    return read_manifest(kb.versions / read_current(kb).version)


def a_head(digest: str, dim: int) -> bytes:
    random = np.random.default_rng(3)
    weights = InteractionWeights(
        hidden=random.normal(size=(8, 2 * dim)).astype(np.float32),
        hidden_bias=np.zeros(8, np.float32),
        output=random.normal(size=8).astype(np.float32),
        cosine_slope=2.0,
        intercept=-1.0,
        dim=dim,
    )
    return build_interaction_graph(weights, digest).SerializeToString()


@pytest.fixture
def add_head(home, encoder):
    """Put a head into the home's copy of the encoder."""

    def add(digest: str = encoder.spec.digest) -> None:
        model = home.model_path(encoder.spec)
        (model / INTERACTION).write_bytes(a_head(digest, encoder.spec.dim))
        (model / "spec.json").unlink()  # its content is shared with other homes
        write_spec(model, encoder.spec)

    return add


def test_a_model_fits_versions_of_its_encoder_that_recorded_its_seal_or_none(home, encoder, confidence):
    manifest = current_manifest(home)
    model = LoadedModel(encoder=encoder, confidence=confidence, seal=manifest.model_seal)
    assert manifest.model_seal == hash_file(home.model_path(encoder.spec) / "spec.json")
    assert model.fits(manifest)
    assert model.fits(replace(manifest, model_seal=None))
    assert not model.fits(replace(manifest, model_seal="0" * 64))
    assert not model.fits(replace(manifest, encoder=replace(manifest.encoder, digest="0" * 64)))


def test_an_encoder_without_a_head_is_loaded_without(home):
    model = LoadedModel.open(home, current_manifest(home))
    assert model.interaction is None
    matching = model.matching(Reranking())
    assert (matching.encoder, matching.confidence, matching.interaction) == (model.encoder, model.confidence, None)


def test_the_head_of_an_encoder_gives_each_match_its_affinity(home, encoder, publish, add_head):
    add_head()
    publish(home, "the third answer")
    registry = Registry(home)
    registry.refresh()
    assert registry.describe("demo").problem is None
    result = registry.matcher("demo").match("i forgot my pass word", MatchOptions())
    head = OnnxInteractionHead.open(open_directory(home.model_path(encoder.spec)))
    texts = [normalise.text(match.matched_phrasing) for match in result.matches]
    query, *candidates = encoder.encode(["i forgot my pass word", *texts])
    expected = head.affinities(query, np.stack(candidates))
    assert [match.affinity for match in result.matches] == expected.tolist()
    assert "interaction" in result.timings_ms


def test_the_head_of_another_encoder_is_refused_by_name(home, publish, add_head):
    add_head("0" * 64)
    publish(home, "the third answer")
    with pytest.raises(ModelDirectoryError, match=r"interaction\.onnx: was trained for the encoder 000000000000"):
        LoadedModel.open(home, current_manifest(home))
