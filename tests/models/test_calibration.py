import numpy as np
import pytest
import torch

from models.bert_graph import BertConfig, build_encoder_graph, inputs_to_smooth
from models.calibration import measure_channels
from models.encoder import OnnxEncoder
from models.reranker import OnnxReranker
from models.types import EncoderSpec

TEXTS = ("how do i reset my password", "where is the parcel", "password")
READ_BY_PRODUCTS = [
    "hidden.0",
    "encoder.layer.0.attention.output.norm",
    "encoder.layer.0.gelu",
    "encoder.layer.0.output.norm",
    "encoder.layer.1.attention.output.norm",
    "encoder.layer.1.gelu",
]


@pytest.fixture
def measure(bert, tokenizer):
    config = BertConfig.from_json(bert.config.to_dict())
    tensors = {name: tensor.numpy() for name, tensor in bert.state_dict().items()}
    graph = build_encoder_graph(config, tensors, "mean", for_int8=False)

    def measure(texts, most=40):
        spec = EncoderSpec(
            name="", digest="", dim=32, pooling="mean", max_tokens=most, languages=(), prefixes={"question": ""}
        )
        return measure_channels(
            graph, inputs_to_smooth(config), lambda session: OnnxEncoder(spec, session, tokenizer).encode(texts)
        )

    return measure


def largest_by_transformers(network, inputs, layer):
    """The largest value of each channel of the hidden states behind a layer, 0 for the embeddings."""
    with torch.inference_mode():
        hidden = [network(**one, output_hidden_states=True).hidden_states[layer][0] for one in inputs]
    return torch.cat(hidden).abs().max(dim=0).values.numpy()


def test_the_largest_value_of_each_channel_over_all_texts_is_that_of_transformers(bert, tokenizer, measure):
    found = measure(TEXTS)
    inputs = [{"input_ids": torch.tensor([tokenizer.encode(text).ids])} for text in TEXTS]
    for name, layer in (("hidden.0", 0), ("encoder.layer.0.output.norm", 1)):
        np.testing.assert_allclose(found[name], largest_by_transformers(bert, inputs, layer), atol=1e-4)
    assert found["encoder.layer.1.gelu"].shape == (64,)


def test_the_channels_of_pairs_are_those_of_transformers(pair_bert, pair_graph, tokenizer, reranker_spec):
    names = inputs_to_smooth(BertConfig.from_json(pair_bert.config.to_dict()))
    found = measure_channels(
        pair_graph(),
        names,
        lambda session: OnnxReranker(reranker_spec(), session, tokenizer).logits(TEXTS[0], TEXTS[1:]),
    )
    encodings = [tokenizer.encode(TEXTS[0], other) for other in TEXTS[1:]]  # the keys stand in this order
    inputs = [
        {"input_ids": torch.tensor([one.ids]), "token_type_ids": torch.tensor([one.type_ids])} for one in encodings
    ]
    assert [*found] == READ_BY_PRODUCTS
    for name, layer in (("hidden.0", 0), ("encoder.layer.0.output.norm", 1)):
        np.testing.assert_allclose(found[name], largest_by_transformers(pair_bert, inputs, layer), atol=1e-4)


def test_every_input_of_a_large_product_is_measured_once(measure):
    assert [*measure(TEXTS)] == READ_BY_PRODUCTS


def test_what_the_encoder_would_not_read_is_not_measured(measure):
    long, short = measure(["how do i reset my password"], 3), measure(["how do i reset my password"], 4)
    assert all((sizes >= 0).all() for sizes in long.values())
    assert not np.array_equal(long["hidden.0"], short["hidden.0"])
    assert np.array_equal(long["hidden.0"], measure(["how"], 3)["hidden.0"])
