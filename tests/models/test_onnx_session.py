import numpy as np
import pytest

from models.errors import ModelDirectoryError
from models.onnx_session import load_session, load_tokenizer, one_thread_options


def test_a_network_and_a_tokenizer_are_loaded(tmp_path, tiny_network, table, tokenizer):
    (tmp_path / "model.onnx").write_bytes(tiny_network(table))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    ids = np.array([load_tokenizer(tmp_path / "tokenizer.json").encode("the parcel").ids])
    (vector,) = load_session(tmp_path / "model.onnx").run(None, {"input_ids": ids})
    assert vector.shape == (1, 8)


def test_what_is_none_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_bytes(b"{}")
    with pytest.raises(ModelDirectoryError, match="file: is no tokenizer"):
        load_tokenizer(tmp_path / "file")
    with pytest.raises(ModelDirectoryError, match="file: onnxruntime cannot load it"):
        load_session(tmp_path / "file")


def test_a_session_takes_one_thread():
    options = one_thread_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.x64quantprecision") == "1"
