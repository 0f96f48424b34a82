"""With torch: it must give the numbers of ONNX, or its times could not be compared with them."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from benchmarks.siamese_vs_cross_encoder.torch_networks import BATCH, TorchInteractionHead, TransformersReranker
from models.bert_graph import build_reranker_graph
from models.checkpoint import read_checkpoint
from models.directory import open_directory
from models.interaction import OnnxInteractionHead
from models.onnx_session import one_thread_options
from models.quantisation import read_tensors
from models.reranker import OnnxReranker
from models.types import RerankerSpec

SPEC = RerankerSpec(
    name="tiny", digest="0" * 64, max_tokens=20, languages=("en",), temperature=1.7, both_directions=False
)
TEXTS = [f"how do i return {'an order ' * (number % 12)}number {number}" for number in range(BATCH + 5)]


@pytest.mark.parametrize("both_directions", [False, True])
def test_pairs_that_are_padded_together_and_cut_have_the_relevance_of_each_pair_alone(
    reranker_checkpoint, both_directions
):
    spec = replace(SPEC, both_directions=both_directions)
    graph = build_reranker_graph(
        read_checkpoint(reranker_checkpoint).config, read_tensors(reranker_checkpoint), for_int8=False
    )
    session = onnxruntime.InferenceSession(graph.SerializeToString(), one_thread_options())
    tokenizer = Tokenizer.from_file(str(reranker_checkpoint / "tokenizer.json"))
    alone = OnnxReranker(spec, session, tokenizer)
    assert any(alone.is_cut("where is my parcel", text) for text in TEXTS)
    expected = alone.relevance("where is my parcel", TEXTS)
    found = TransformersReranker(reranker_checkpoint, spec).relevance("where is my parcel", TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected) > 0.05


@pytest.mark.parametrize("features", [1, 2])
def test_the_interaction_head_gives_the_affinities_of_its_file(add_head, features):
    folder = add_head(features)
    random = np.random.default_rng(2).normal(size=(40, 32)).astype(np.float32)
    vectors = random / np.linalg.norm(random, axis=1, keepdims=True)
    served = OnnxInteractionHead.open(open_directory(folder))
    found = TorchInteractionHead(folder / "interaction.onnx").affinities(vectors[0], vectors)
    np.testing.assert_allclose(found, served.affinities(vectors[0], vectors), atol=1e-6)
    assert np.ptp(found) > 0.01
