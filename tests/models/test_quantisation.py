from functools import partial

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from safetensors.numpy import save_file

from models.bert_graph import build_reranker_graph
from models.checkpoint import read_checkpoint
from models.directory import hash_file
from models.errors import CheckpointError
from models.onnx_session import load_session
from models.quantisation import quantise, read_tensors, read_tokenizer, write_networks

PAIR = {"input_ids": np.array([[2, 5, 3, 6, 3]]), "token_type_ids": np.array([[0, 0, 0, 1, 1]])}


def test_weights_of_the_layers_become_int8_and_the_classifier_stays(pair_graph, tmp_path):
    quantise(pair_graph(for_int8=True), tmp_path / "int8.onnx", tmp_path)
    kinds = {one.name: one.data_type for one in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    int8 = {name for name, kind in kinds.items() if kind == onnx.TensorProto.INT8 and name.endswith("_quantized")}
    assert {f"encoder.layer.{layer}.output.dense.weight_quantized" for layer in range(2)} <= int8
    assert kinds["pooler.dense.weight"] == kinds["classifier.weight"] == onnx.TensorProto.FLOAT
    (logit,) = load_session(tmp_path / "int8.onnx").run(None, PAIR)
    assert np.isfinite(logit).all()


def test_both_networks_are_made_and_int8_is_smoothed_by_what_is_read(pair_checkpoint, tmp_path):
    source, staging = read_checkpoint(pair_checkpoint), tmp_path / "scratch" / "model"
    staging.mkdir(parents=True)
    build = partial(build_reranker_graph, source.config, read_tensors(pair_checkpoint))
    networks = write_networks(source, build, lambda session: session.run(None, PAIR), staging)
    assert {path.name for path in staging.iterdir()} == {"model.onnx", "tokenizer.json"}
    assert networks.sha256 == {path.name: hash_file(path) for path in staging.iterdir()}
    assert (staging / "tokenizer.json").read_bytes() == (pair_checkpoint / "tokenizer.json").read_bytes()
    logits = [session.run(None, PAIR)[0].item() for session in (networks.fp32, networks.int8)]
    assert logits[0] == load_and_run(build(for_int8=False), tmp_path)
    assert logits[1] == pytest.approx(logits[0], abs=0.2)
    written = onnx.load(staging / "model.onnx").graph.initializer
    inverse = {one.name: numpy_helper.to_array(one) for one in written if one.name.endswith(".inverse_scales")}
    assert inverse.keys() == {
        f"encoder.layer.{layer}.{product}.inverse_scales"
        for layer in range(2)
        for product in ("qkv", "intermediate.dense", "output.dense")
    }


def load_and_run(graph, folder):
    onnx.save(graph, folder / "network.onnx")
    return load_session(folder / "network.onnx").run(None, PAIR)[0].item()


def test_tensors_are_named_without_the_prefix_of_the_network(tmp_path):
    weights = {"bert.pooler.dense.weight": np.ones((2, 2), np.float32), "classifier.bias": np.ones(1, np.float32)}
    save_file(weights, tmp_path / "model.safetensors")
    assert set(read_tensors(tmp_path)) == {"pooler.dense.weight", "classifier.bias"}


def test_a_file_that_is_none_is_refused_by_name(tmp_path):
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_text("{")
    with pytest.raises(CheckpointError, match=r"model\.safetensors: cannot be read"):
        read_tensors(tmp_path)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: is no tokenizer"):
        read_tokenizer(tmp_path)
