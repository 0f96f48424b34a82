import numpy as np
import pytest
import torch

from models.bert_graph import BertConfig, build_encoder_graph, inputs_to_smooth
from models.calibration import measure_channels

TEXTS = ("how do i reset my password", "where is the parcel", "password")


@pytest.fixture
def measure(bert, tokenizer):
    config = BertConfig.from_json(bert.config.to_dict())
    tensors = {name: tensor.numpy() for name, tensor in bert.state_dict().items()}
    graph = build_encoder_graph(config, tensors, "mean", for_int8=False)
    return lambda texts, most=40: measure_channels(graph, inputs_to_smooth(config), tokenizer, texts, most)


def test_the_largest_value_of_each_channel_over_all_texts_is_that_of_transformers(bert, tokenizer, measure):
    found = measure(TEXTS)
    hidden = []
    with torch.inference_mode():
        for text in TEXTS:
            ids = torch.tensor([tokenizer.encode(text).ids])
            hidden.append(bert(input_ids=ids, output_hidden_states=True).hidden_states)
    for name, layer in (("hidden.0", 0), ("encoder.layer.0.output.norm", 1)):
        expected = torch.cat([states[layer][0] for states in hidden]).abs().max(dim=0).values
        np.testing.assert_allclose(found[name], expected.numpy(), atol=1e-4)
    assert found["encoder.layer.1.gelu"].shape == (64,)


def test_every_input_of_a_large_product_is_measured_once(measure):
    assert [*measure(TEXTS)] == [
        "hidden.0",
        "encoder.layer.0.attention.output.norm",
        "encoder.layer.0.gelu",
        "encoder.layer.0.output.norm",
        "encoder.layer.1.attention.output.norm",
        "encoder.layer.1.gelu",
    ]


def test_what_the_encoder_would_not_read_is_not_measured(measure):
    long, short = measure(["how do i reset my password"], 3), measure(["how"], 3)
    assert all((sizes >= 0).all() for sizes in long.values())
    assert not np.array_equal(long["hidden.0"], short["hidden.0"])
    assert np.array_equal(long["hidden.0"], measure(["how do"], 3)["hidden.0"])
