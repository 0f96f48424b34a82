import json
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import helper

from models import directory
from models.directory import open_directory
from models.errors import ModelDirectoryError
from models.interaction import BLOCK, OnnxInteractionHead, has_interaction_head
from models.interaction_graph import build_interaction_graph


def units(count, dim=8, seed=1):
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def seal(encoder_directory):
    """Put a file into the directory of the tiny encoder as its head, and seal it again."""

    def seal(network: bytes, dim: int = 8) -> directory.ModelDirectory:
        path = encoder_directory(dim)
        (path / "interaction.onnx").write_bytes(network)
        directory.write_spec(path, directory.spec_from_json(json.loads((path / "spec.json").read_bytes())))
        return open_directory(path)

    return seal


@pytest.fixture
def network(encoder_directory, head_weights):
    """Make the file of a head for the tiny encoder."""

    def network(dim: int = 8, digest: str | None = None, **fields) -> bytes:
        digest = open_directory(encoder_directory(dim)).spec.digest if digest is None else digest
        return build_interaction_graph(head_weights(dim, **fields), digest).SerializeToString()

    return network


@pytest.fixture
def open_head(seal, network):
    return lambda dim=8: OnnxInteractionHead.open(seal(network(dim), dim))


def test_a_head_adds_to_the_cosine_what_its_network_reads_in_both_vectors(open_head, head_weights):
    query, candidates, weights = units(1)[0], units(3, seed=2), head_weights(8)
    learnt = np.maximum(np.abs(query - candidates) @ weights.hidden.T + weights.hidden_bias, 0) @ weights.output
    logits = 2.0 * (candidates @ query) - 0.5 + learnt
    found = open_head().affinities(query, candidates)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert (found.shape, found.dtype) == ((3,), np.float32)


def test_it_does_not_matter_who_is_the_query(open_head):
    head, vectors = open_head(384), units(20, 384)
    table = np.stack([head.affinities(vector, vectors) for vector in vectors])
    np.testing.assert_array_equal(table, table.T)


@pytest.mark.parametrize("count", [1, BLOCK - 1, BLOCK, BLOCK + 1, 100])
def test_a_pair_has_the_same_affinity_alone_in_bulk_and_under_load(open_head, count):
    head, query, candidates = open_head(384), units(1, 384)[0], units(count, 384, seed=2)
    alone = np.array([head.affinities(query, candidate[None])[0] for candidate in candidates])
    assert len(np.unique(alone)) == count
    assert head.affinities(query, candidates).tobytes() == alone.tobytes()
    assert head.affinities(query, candidates[::-1])[::-1].tobytes() == alone.tobytes()
    with ThreadPoolExecutor(8) as callers:
        under_load = list(callers.map(lambda _: head.affinities(query, candidates), range(8)))
    assert {found.tobytes() for found in under_load} == {alone.tobytes()}


def test_no_candidates_have_no_affinity(open_head):
    found = open_head().affinities(units(1)[0], units(0))
    assert (found.shape, found.dtype) == ((0,), np.float32)


def test_a_hundred_candidates_take_less_than_a_millisecond(seal, head_weights, encoder_directory):
    random, digest = np.random.default_rng(3), open_directory(encoder_directory(384)).spec.digest
    wide = {"hidden": random.normal(size=(128, 768)), "hidden_bias": np.zeros(128), "output": random.normal(size=128)}
    weights = head_weights(384, **{name: value.astype(np.float32) for name, value in wide.items()})
    head = OnnxInteractionHead.open(seal(build_interaction_graph(weights, digest).SerializeToString(), 384))
    query, candidates, taken = units(1, 384)[0], units(100, 384, seed=2), []
    for _ in range(30):
        begin = time.perf_counter()
        head.affinities(query, candidates)
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 1e-3


def test_a_head_is_named_by_its_file_and_changes_no_digest(encoder_directory, open_head):
    before = open_directory(encoder_directory(8))
    assert not has_interaction_head(before)
    head, after = open_head(), open_directory(before.path)
    assert has_interaction_head(after)
    assert after.spec == before.spec
    assert head.label == f"interaction@{directory.hash_file(after.file('interaction.onnx'))[:12]}"


def test_a_model_without_a_head_says_how_to_make_one(encoder_directory):
    with pytest.raises(
        ModelDirectoryError, match=r"interaction\.onnx: this model has no interaction head: faqmatch tr"
    ):
        OnnxInteractionHead.open(open_directory(encoder_directory(8)))


def test_a_damaged_head_is_refused_by_name(encoder_directory, open_head):
    open_head()
    file = encoder_directory(8) / "interaction.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelDirectoryError, match=r"interaction\.onnx: was changed or damaged"):
        open_directory(file.parent)


@pytest.mark.parametrize(("trained_for", "named"), [("f" * 64, "f" * 12), ("", "none")])
def test_a_head_of_another_encoder_is_refused_by_name(seal, network, trained_for, named):
    with pytest.raises(ModelDirectoryError, match=rf"interaction\.onnx: was trained for the encoder {named}, this one"):
        OnnxInteractionHead.open(seal(network(digest=trained_for)))


def test_what_is_no_network_is_refused_by_name(seal):
    with pytest.raises(ModelDirectoryError, match=r"interaction\.onnx: onnxruntime cannot load it"):
        OnnxInteractionHead.open(seal(b"no network"))


def test_a_network_of_other_inputs_is_refused_by_name(seal, encoder_directory):
    encoder = open_directory(encoder_directory(8))
    other = onnx.load(encoder.file("model.onnx"))
    helper.set_model_props(other, {"encoder_digest": encoder.spec.digest})
    with pytest.raises(ModelDirectoryError, match=r"interaction\.onnx: is no interaction head \(.*input"):
        OnnxInteractionHead.open(seal(other.SerializeToString()))


def test_a_network_that_gives_no_probability_is_refused_by_name(seal, network):
    with pytest.raises(ModelDirectoryError, match=r"interaction\.onnx: is no interaction head \(nan\): copy the model"):
        OnnxInteractionHead.open(seal(network(intercept=np.nan)))
