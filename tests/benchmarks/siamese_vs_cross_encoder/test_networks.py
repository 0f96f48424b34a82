"""With torch: the networks as they are converted for a run."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.forms import open_form
from benchmarks.siamese_vs_cross_encoder.networks import prepare_networks
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions
from benchmarks.siamese_vs_cross_encoder.random_checkpoint import NetworkShape
from models.encoder import OnnxEncoder
from models.reranker import OnnxReranker

QUERY, TEXTS = "how do i return an order", ("where is my parcel", "how do i return a gift", "怎么取消我的订单")


@pytest.fixture
def prepare(bert_encoder, tmp_path):
    """Prepare networks, of which all is missing that is not given."""

    def prepare(**given):
        options = ComparisonOptions(**{"encoder": bert_encoder, "reranker": None, "data": Path("none")} | given)
        scratch = tmp_path / f"scratch{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        return prepare_networks(options, scratch)

    return prepare


def test_what_is_missing_is_random_has_the_shape_of_what_is_there_and_says_so(prepare):
    found = prepare()
    assert found.encoder_shape == found.reranker_shape == NetworkShape.read(found.files.reranker / "model.onnx")
    assert found.random == {("fp32", "encoder"), ("torch", "encoder")} | {
        (form, "reranker") for form in ("int8", "fp32", "torch")
    }
    encoder, reranker = found.notes
    assert encoder.startswith("The encoder has random weights of its shape (2 layers, 32 wide")
    assert "--encoder-checkpoint" in encoder
    assert reranker.startswith("There is no reranker yet: random weights (2 layers, 32 wide")
    assert found.reranker == "random weights"


def test_a_random_reranker_is_an_int8_model_directory_that_judges_in_all_three_forms(prepare):
    files = prepare().files
    graph = onnx.load(files.reranker / "model.onnx").graph
    assert "MatMulInteger" in {node.op_type for node in graph.node}
    assert any(one.name.endswith("inverse_scales") for one in graph.initializer), "smoothed, as a conversion does it"
    served = OnnxReranker.open(files.reranker)
    assert served.spec.max_tokens == 64  # all its positions, fewer than the 96 of the recipe
    int8, fp32, torch = (open_form(form, files).relevance(QUERY, TEXTS) for form in ("int8", "fp32", "torch"))
    np.testing.assert_array_equal(int8, served.relevance(QUERY, TEXTS))
    np.testing.assert_allclose(torch, fp32, atol=1e-5)
    np.testing.assert_allclose(int8, fp32, atol=0.05)
    assert len(set(fp32.tolist())) == 3


def test_with_its_checkpoints_nothing_is_random_and_fp32_and_torch_are_what_int8_was_made_from(
    prepare, bert_encoder, encoder_checkpoint, reranker_checkpoint
):
    found = prepare(encoder_checkpoint=encoder_checkpoint, reranker_checkpoint=reranker_checkpoint)
    assert (found.random, found.notes) == (frozenset(), ())
    assert found.reranker == f"{reranker_checkpoint}, converted"
    int8, fp32, torch = (open_form(form, found.files) for form in ("int8", "fp32", "torch"))
    np.testing.assert_array_equal(int8.encode(TEXTS), OnnxEncoder.open(bert_encoder).encode(TEXTS))
    np.testing.assert_allclose(torch.encode(TEXTS), fp32.encode(TEXTS), atol=1e-5)
    assert (int8.encode(TEXTS) * fp32.encode(TEXTS)).sum(axis=1).min() > 0.98
    judged = [form.relevance(QUERY, TEXTS) for form in (int8, fp32, torch)]
    np.testing.assert_allclose(judged[2], judged[1], atol=1e-4)
    np.testing.assert_allclose(judged[0], judged[1], atol=0.2)
    assert np.ptp(judged[1]) > 0.05


def test_a_reranker_without_its_checkpoint_is_random_in_fp32_and_torch_alone(prepare, random_reranker):
    found = prepare(reranker=random_reranker)
    assert {form for form, network in found.random if network == "reranker"} == {"fp32", "torch"}
    assert found.reranker.startswith("random-reranker@")
    assert found.reranker_shape == NetworkShape.read(random_reranker / "model.onnx")
    assert found.reranker_shape.positions == 96
    assert "--reranker-checkpoint" in found.notes[1]
    np.testing.assert_array_equal(
        open_form("int8", found.files).relevance(QUERY, TEXTS),
        OnnxReranker.open(random_reranker).relevance(QUERY, TEXTS),
    )


def test_a_checkpoint_of_another_shape_is_refused(prepare, tmp_path, pair_tokenizer, save_bert):
    other = save_bert(tmp_path / "other", pair_tokenizer, of_pairs=False, layers=1)
    with pytest.raises(BenchmarkError, match=r"other: has 1 layers.*the model directory 2 layers"):
        prepare(encoder_checkpoint=other)


def test_an_encoder_whose_shape_cannot_be_read_is_refused(prepare, model):
    with pytest.raises(BenchmarkError, match=r"model\.onnx: is no BERT that faqmatch converted"):
        prepare(encoder=Path(model))
