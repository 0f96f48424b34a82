from functools import partial

import numpy as np
import onnxruntime
import pytest
import torch

from models.bert_graph import BertConfig, build_encoder_graph, build_reranker_graph, inputs_to_smooth
from models.errors import CheckpointError


def parts(bert):
    config = BertConfig.from_json(bert.config.to_dict())
    return config, {name.removeprefix("bert."): tensor.numpy() for name, tensor in bert.state_dict().items()}


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


def test_smoothing_is_the_same_function_in_every_large_product(bert, pair_bert):
    for network, build in ((bert, partial(build_encoder_graph, pooling="mean")), (pair_bert, build_reranker_graph)):
        config, tensors = parts(network)
        random = np.random.default_rng(2)
        widths = {name: 64 if name.endswith("gelu") else 32 for name in inputs_to_smooth(config)}
        sizes = {name: np.exp(random.normal(size=width)).astype(np.float32) for name, width in widths.items()}
        plain = build(config, tensors, for_int8=True)
        smooth = build(config, tensors, for_int8=True, channel_sizes=sizes)
        inputs = pair_inputs(12, network.config.vocab_size)
        given = {one.name: inputs[one.name] for one in plain.graph.input}
        np.testing.assert_allclose(
            session_of(smooth).run(None, given)[0], session_of(plain).run(None, given)[0], atol=1e-4
        )
        assert {one.name: one.input[0] for one in smooth.graph.node if one.name.endswith(".smooth")} == {
            f"encoder.layer.{layer}.{product}.smooth": name.format(layer=layer)
            for layer, before in ((0, "hidden.0"), (1, "encoder.layer.0.output.norm"))
            for product, name in (
                ("qkv", before),
                ("intermediate.dense", "encoder.layer.{layer}.attention.output.norm"),
                ("output.dense", "encoder.layer.{layer}.gelu"),
            )
        }


def test_a_graph_of_fp32_is_never_smoothed(bert):
    config, tensors = parts(bert)
    sizes = {"hidden.0": np.full(32, 7, np.float32)}
    graph = build_encoder_graph(config, tensors, "mean", for_int8=False, channel_sizes=sizes)
    assert graph == build_encoder_graph(config, tensors, "mean", for_int8=False)


def pair_inputs(length: int, vocabulary: int, seed: int = 1):
    random = np.random.default_rng(seed)
    types = np.arange(length)[None] >= random.integers(1, length + 1)
    return {"input_ids": random.integers(vocabulary, size=(1, length)), "token_type_ids": types.astype(np.int64)}


def logit_by_transformers(pair_bert, inputs):
    with torch.inference_mode():
        return pair_bert(**{name: torch.from_numpy(value) for name, value in inputs.items()}).logits.numpy()


def test_the_logit_of_a_pair_equals_transformers_at_every_length(pair_bert):
    config, tensors = parts(pair_bert)
    session = session_of(build_reranker_graph(config, tensors, for_int8=False))
    for length in range(1, config.max_position_embeddings + 1):
        inputs = pair_inputs(length, pair_bert.config.vocab_size, length)
        (logit,) = session.run(None, inputs)
        assert logit.shape == (1, 1)
        np.testing.assert_allclose(logit, logit_by_transformers(pair_bert, inputs), atol=1e-4)


def test_the_graph_of_a_reranker_for_int8_is_the_same_function_but_for_its_token_table(pair_bert):
    config, tensors = parts(pair_bert)
    table = tensors["embeddings.word_embeddings.weight"]
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, np.finfo(np.float32).tiny)
    rounded = tensors | {"embeddings.word_embeddings.weight": np.rint(table / scale) * scale}
    inputs = pair_inputs(12, pair_bert.config.vocab_size)
    (logit,) = session_of(build_reranker_graph(config, tensors, for_int8=True)).run(None, inputs)
    (expected,) = session_of(build_reranker_graph(config, rounded, for_int8=False)).run(None, inputs)
    np.testing.assert_allclose(logit, expected, atol=1e-4)


def test_the_types_of_a_pair_matter(pair_bert):
    inputs = pair_inputs(12, pair_bert.config.vocab_size)
    turned = inputs | {"token_type_ids": 1 - inputs["token_type_ids"]}
    assert abs(logit_by_transformers(pair_bert, inputs) - logit_by_transformers(pair_bert, turned)) > 0.001


def test_without_a_pooler_the_classifier_reads_the_first_token(pair_bert):
    config, tensors = parts(pair_bert)
    del tensors["pooler.dense.weight"], tensors["pooler.dense.bias"]
    inputs = pair_inputs(12, pair_bert.config.vocab_size)
    (logit,) = session_of(build_reranker_graph(config, tensors, for_int8=False)).run(None, inputs)
    with torch.inference_mode():
        hidden = pair_bert.bert(**{name: torch.from_numpy(value) for name, value in inputs.items()}).last_hidden_state
        expected = pair_bert.classifier(hidden[:, 0]).numpy()
    np.testing.assert_allclose(logit, expected, atol=1e-4)


def test_a_classifier_of_several_outputs_is_refused(pair_bert):
    config, tensors = parts(pair_bert)
    tensors["classifier.weight"] = np.zeros((3, 32), np.float32)
    with pytest.raises(CheckpointError, match="the classifier has 3 outputs, one is needed"):
        build_reranker_graph(config, tensors, for_int8=False)


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
