import numpy as np
import onnxruntime
import pytest
import torch

from models.bert_graph import BertConfig, build_encoder_graph
from models.errors import CheckpointError


def parts(bert):
    config = BertConfig.from_json(bert.config.to_dict())
    return config, {name: tensor.numpy() for name, tensor in bert.state_dict().items()}


def session_of(model):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def by_transformers(bert, ids, pooling):
    with torch.inference_mode():
        hidden = bert(input_ids=torch.from_numpy(ids)).last_hidden_state[0]
    pooled = hidden.mean(dim=0) if pooling == "mean" else hidden[0]
    return torch.nn.functional.normalize(pooled, dim=0).numpy()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_the_graph_equals_transformers_at_every_length(bert, pooling):
    config, tensors = parts(bert)
    session = session_of(build_encoder_graph(config, tensors, pooling, for_int8=False))
    random = np.random.default_rng(1)
    for length in range(1, config.max_position_embeddings + 1):
        ids = random.integers(bert.config.vocab_size, size=(1, length))
        (vector,) = session.run(None, {"input_ids": ids})
        assert vector.shape == (1, config.hidden_size)
        np.testing.assert_allclose(vector[0], by_transformers(bert, ids, pooling), atol=1e-4)


def test_poolings_differ(bert):
    ids = np.array([[2, 5, 9, 3]])
    assert by_transformers(bert, ids, "mean") @ by_transformers(bert, ids, "cls") < 0.99


def test_the_graph_for_int8_is_the_same_function_but_for_its_token_table(bert):
    config, tensors = parts(bert)
    session = session_of(build_encoder_graph(config, tensors, "mean", for_int8=True))
    ids = np.random.default_rng(1).integers(bert.config.vocab_size, size=(1, 12))
    (vector,) = session.run(None, {"input_ids": ids})
    assert vector[0] @ by_transformers(bert, ids, "mean") > 0.999


def test_a_tensor_that_is_missing_is_named(bert):
    config, tensors = parts(bert)
    del tensors["encoder.layer.1.output.dense.bias"]
    with pytest.raises(
        CheckpointError, match=r"the tensor encoder\.layer\.1\.output\.dense\.bias of a BertModel is mis"
    ):
        build_encoder_graph(config, tensors, "mean", for_int8=False)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"model_type": "xlm-roberta"}, "model_type is 'xlm-roberta', only 'bert' can be converted"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu', only 'gelu' can be converted"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"is_decoder": True}, "is_decoder is True"),
    ],
)
def test_what_the_graph_cannot_express_is_refused_by_name(bert, fields, problem):
    with pytest.raises(CheckpointError, match=rf"config\.json: {problem}"):
        BertConfig.from_json(bert.config.to_dict() | fields)


def test_a_missing_number_is_named(bert):
    config = bert.config.to_dict()
    del config["num_attention_heads"]
    with pytest.raises(CheckpointError, match=r"config\.json: num_attention_heads is missing"):
        BertConfig.from_json(config)
