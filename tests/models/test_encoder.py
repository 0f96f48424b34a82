import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models import directory
from models.encoder import OnnxEncoder
from models.errors import EncodingError, ModelDirectoryError
from models.types import EncoderSpec

TEXTS = [
    "how do i reset my password",
    "where is my parcel",
    "怎么重置密码",
    "我的快递在哪里",
    "a",
    "",
    "?",
    "can i pay by card " * 20,
    "😀",
    "how do i reset my password",
]


@pytest.fixture
def model_directory(tmp_path, tiny_network, table, tokenizer):
    """A whole model directory; `spec` fields may be overruled."""

    def make(**fields):
        (tmp_path / "model.onnx").write_bytes(tiny_network(table))
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        for name in ("card.md", "confidence.json"):
            (tmp_path / name).write_text("{}")
        values = {"dim": table.shape[1], "pooling": "mean", "max_tokens": 8, "prefixes": {"question": "", "answer": ""}}
        values |= fields
        files = {name: directory.hash_file(tmp_path / name) for name in ("model.onnx", "tokenizer.json")}
        digest = directory.compute_digest(files, values["pooling"], values["prefixes"], values["max_tokens"])
        directory.write_spec(tmp_path, EncoderSpec(name="tiny", digest=digest, languages=("en",), **values))
        return tmp_path

    return make


def test_a_vector_is_the_unit_mean_of_its_tokens(tiny_encoder, table, words):
    rows = table[[2, *(words.index(word) for word in ("where", "is", "my", "parcel")), 3]].mean(axis=0)
    np.testing.assert_allclose(tiny_encoder().encode(["where is my parcel"])[0], rows / np.linalg.norm(rows), atol=1e-6)


def test_the_role_chooses_the_prefix(tiny_encoder):
    encoder = tiny_encoder(prefix="how ")
    np.testing.assert_array_equal(encoder.encode(["parcel"]), tiny_encoder().encode(["how parcel"]))
    np.testing.assert_array_equal(encoder.encode(["parcel"], "answer"), tiny_encoder().encode(["the parcel"]))


def test_no_texts_give_no_rows(tiny_encoder):
    vectors = tiny_encoder(threads=2).encode([])
    assert vectors.shape == (0, 8)
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(("value", "unit"), [(np.nan, True), (np.inf, True), (0, False), (3, False)])
def test_what_is_no_unit_vector_is_refused(tiny_encoder, table, value, unit):
    with pytest.raises(EncodingError, match=r"tiny@0123456789ab: gave a vector of length .* for 'where is my parcel'"):
        tiny_encoder(np.full_like(table, value), unit=unit).encode(["where is my parcel"])


def test_one_bad_text_fails_its_bulk(tiny_encoder, table, words):
    rows = table.copy()
    rows[words.index("parcel")] = np.nan
    encoder = tiny_encoder(rows, threads=2)
    assert len(encoder.encode(["my password"] * 5)) == 5
    with pytest.raises(EncodingError, match="parcel"):
        encoder.encode(["my password", "my parcel", "my password"])


def test_what_lies_behind_max_tokens_is_not_read_and_counted(tiny_encoder):
    encoder = tiny_encoder(max_tokens=6)
    whole, longer = "how do i reset", "how do i reset my password where is my parcel"
    np.testing.assert_array_equal(encoder.encode([whole]), encoder.encode([longer]))
    assert encoder.count_overflow(whole) == 0
    assert encoder.count_overflow(longer) == 6
    assert encoder.count_overflow("") == 0
    assert encoder.count_overflow(whole, "answer") == 1


def test_a_vector_is_the_same_alone_in_bulk_and_under_load(shipped_directory, shipped_encoder):
    alone = np.concatenate([shipped_encoder.encode([text]) for text in TEXTS])
    assert shipped_encoder.encode(TEXTS).tobytes() == alone.tobytes()
    in_bulk = OnnxEncoder.open(shipped_directory, threads=2)
    assert in_bulk.encode(TEXTS).tobytes() == alone.tobytes()
    assert in_bulk.encode(TEXTS[::-1])[::-1].tobytes() == alone.tobytes()
    with ThreadPoolExecutor(8) as callers:
        under_load = list(callers.map(lambda _: in_bulk.encode(TEXTS), range(8)))
        single = list(callers.map(lambda text: shipped_encoder.encode([text])[0], TEXTS * 4))
    assert {vectors.tobytes() for vectors in under_load} == {alone.tobytes()}
    assert np.stack(single).tobytes() == np.concatenate([alone] * 4).tobytes()
    assert np.linalg.norm(alone, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_whole_directory_opens(model_directory):
    encoder = OnnxEncoder.open(model_directory())
    assert encoder.encode(["my parcel"]).shape == (1, 8)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("tokenizer.json", b"{}", "tokenizer.json: is no tokenizer"),
        ("model.onnx", b"\x08\x08 no graph", "model.onnx: onnxruntime cannot load it"),
    ],
)
def test_a_file_that_fits_its_hash_but_is_no_such_file_is_refused_by_name(model_directory, name, content, problem):
    path = model_directory()
    (path / name).write_bytes(content)
    raw = json.loads((path / "spec.json").read_bytes())
    files = raw["sha256"] | {name: directory.hash_file(path / name)}
    digest = directory.compute_digest(files, raw["pooling"], raw["prefixes"], raw["max_tokens"])
    (path / "spec.json").write_text(json.dumps(raw | {"sha256": files, "digest": digest}))
    with pytest.raises(ModelDirectoryError, match=problem):
        OnnxEncoder.open(path)


def test_a_spec_of_another_dimension_than_the_network_is_refused(model_directory):
    with pytest.raises(ModelDirectoryError, match=r"model\.onnx: gives vectors of 8 numbers, spec\.json says 16"):
        OnnxEncoder.open(model_directory(dim=16))
