import numpy as np
import onnx
import pytest
from safetensors.numpy import save_file

from models.errors import CheckpointError
from models.onnx_session import load_session
from models.quantisation import quantise, read_tensors, read_tokenizer


def test_weights_of_the_layers_become_int8_and_the_classifier_stays(pair_graph, tmp_path):
    quantise(pair_graph(for_int8=True), tmp_path / "int8.onnx", tmp_path)
    kinds = {one.name: one.data_type for one in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    int8 = {name for name, kind in kinds.items() if kind == onnx.TensorProto.INT8 and name.endswith("_quantized")}
    assert {f"encoder.layer.{layer}.output.dense.weight_quantized" for layer in range(2)} <= int8
    assert kinds["pooler.dense.weight"] == kinds["classifier.weight"] == onnx.TensorProto.FLOAT
    inputs = {name: np.array([[2, 5, 3, 6, 3]]) * (name == "input_ids") for name in ("input_ids", "token_type_ids")}
    (logit,) = load_session(tmp_path / "int8.onnx").run(None, inputs)
    assert np.isfinite(logit).all()


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
