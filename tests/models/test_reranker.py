from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
import torch

from models import directory
from models.errors import ModelDirectoryError, RerankingError
from models.normalise import key
from models.onnx_session import one_thread_options
from models.quantisation import quantise
from models.reranker import OnnxReranker, in_canonical_order
from models.reranker_directory import compute_reranker_digest, write_reranker_spec

TEXTS = ["how do i reset my password", "Where is my parcel?", "password", "", "the parcel " * 9, "where is my parcel"]


def by_transformers(pair_bert, tokenizer, first, second):
    encoding = tokenizer.encode(first, second)
    with torch.inference_mode():
        return pair_bert(
            input_ids=torch.tensor([encoding.ids]), token_type_ids=torch.tensor([encoding.type_ids])
        ).logits.item()


@pytest.fixture
def int8_network(pair_graph, tmp_path):
    file = tmp_path / "int8.onnx"
    quantise(pair_graph(for_int8=True), file, tmp_path)
    return file


@pytest.fixture
def int8_reranker(int8_network, tokenizer, reranker_spec):
    def make(threads=1, **fields):
        session = onnxruntime.InferenceSession(str(int8_network), one_thread_options())
        return OnnxReranker(reranker_spec(**fields), session, tokenizer, threads)

    return make


@pytest.fixture
def reranker_directory(tmp_path, int8_network, tokenizer, reranker_spec):
    folder = tmp_path / "tiny"
    folder.mkdir()
    int8_network.rename(folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "card.md").write_text("# tiny\n")
    files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    write_reranker_spec(folder, reranker_spec(digest=compute_reranker_digest(files, 40), temperature=2.0))
    return folder


def test_a_pair_is_read_in_the_order_of_its_keys_as_transformers_reads_it(tiny_reranker, pair_bert, tokenizer):
    found = tiny_reranker().relevance("how do i", ["where is my parcel", "do i"])
    logits = [
        by_transformers(pair_bert, tokenizer, "how do i", "where is my parcel"),
        by_transformers(pair_bert, tokenizer, "do i", "how do i"),
    ]
    np.testing.assert_allclose(found, torch.sigmoid(torch.tensor(logits)), atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize("both_directions", [False, True])
def test_relevance_does_not_depend_on_who_is_the_query(tiny_reranker, both_directions):
    reranker = tiny_reranker(both_directions=both_directions)
    table = np.stack([reranker.relevance(text, TEXTS) for text in TEXTS])
    np.testing.assert_array_equal(table, table.T)
    assert ((table >= 0) & (table <= 1)).all()


def test_the_order_is_that_of_the_keys_and_then_of_the_texts():
    assert in_canonical_order("Zebra", "apple") == in_canonical_order("apple", "Zebra") == ("apple", "Zebra")
    assert key("How?") == key("how")
    assert in_canonical_order("how", "How?") == in_canonical_order("How?", "how") == ("How?", "how")


def test_both_directions_are_averaged_before_the_probability(tiny_reranker, pair_bert, tokenizer):
    first, second = "how do i", "where is my parcel"
    logits = [by_transformers(pair_bert, tokenizer, *pair) for pair in ((first, second), (second, first))]
    assert abs(logits[0] - logits[1]) > 0.01
    assert tiny_reranker(both_directions=True).logits(first, [second])[0] == pytest.approx(np.mean(logits), abs=1e-4)


def test_the_temperature_divides_the_logit(tiny_reranker):
    logits = tiny_reranker().logits("password", TEXTS)
    found = tiny_reranker(temperature=4.0).relevance("password", TEXTS)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits / 4)), rtol=1e-6)


def test_no_candidates_have_no_relevance(tiny_reranker):
    found = tiny_reranker(threads=2).relevance("password", [])
    assert (found.shape, found.dtype) == ((0,), np.float32)


def test_what_lies_behind_max_tokens_is_not_read_of_the_longer_text_first(tiny_reranker):
    reranker = tiny_reranker(max_tokens=9)
    short, long = "the parcel", "where is my parcel"
    np.testing.assert_array_equal(
        reranker.relevance(short, [long]), reranker.relevance(short, [f"{long} how do i reset"])
    )
    assert reranker.relevance(short, ["where is my password"]) != reranker.relevance(short, [long])


def test_a_network_that_gives_no_number_is_refused(tokenizer, reranker_spec):

    class Broken:
        def run(self, *_):
            return [np.array([[np.nan]])]

    broken = OnnxReranker(reranker_spec(), Broken(), tokenizer)
    with pytest.raises(RerankingError, match=r"tiny@0123456789ab: gave nan for 'my password' and 'the parcel'"):
        broken.relevance("my password", ["the parcel"])


def test_int8_is_close_to_fp32(int8_reranker, tiny_reranker):
    pairs = [(a, b) for a in TEXTS for b in TEXTS]
    fp32 = np.array([tiny_reranker().relevance(a, [b])[0] for a, b in pairs])
    int8 = np.array([int8_reranker().relevance(a, [b])[0] for a, b in pairs])
    assert np.abs(fp32 - int8).max() < 0.1
    assert np.corrcoef(fp32, int8)[0, 1] > 0.95


def test_a_pair_has_the_same_relevance_alone_in_bulk_and_under_load(int8_reranker):
    alone = np.array([int8_reranker().relevance("where is my parcel", [text])[0] for text in TEXTS])
    assert int8_reranker().relevance("where is my parcel", TEXTS).tobytes() == alone.tobytes()
    parallel = int8_reranker(threads=2)
    assert parallel.relevance("where is my parcel", TEXTS[::-1])[::-1].tobytes() == alone.tobytes()
    with ThreadPoolExecutor(8) as callers:
        under_load = list(callers.map(lambda _: parallel.relevance("where is my parcel", TEXTS), range(8)))
    assert {found.tobytes() for found in under_load} == {alone.tobytes()}


def test_a_whole_directory_opens(reranker_directory):
    reranker = OnnxReranker.open(reranker_directory)
    assert reranker.spec.temperature == 2.0
    assert not reranker.spec.both_directions
    assert len(reranker.relevance("password", TEXTS)) == len(TEXTS)
    assert OnnxReranker.open(reranker_directory, both_directions=True).spec.both_directions


def test_a_damaged_network_is_refused_by_name(reranker_directory):
    (reranker_directory / "model.onnx").write_bytes(b"no network")
    with pytest.raises(ModelDirectoryError, match=r"model\.onnx: was changed or damaged"):
        OnnxReranker.open(reranker_directory)


def test_a_pair_that_is_longer_than_the_limit_is_told_from_one_that_just_fits(random_reranker):
    reranker = OnnxReranker.open(random_reranker)
    assert reranker.spec.max_tokens == 96  # three of them [CLS] and [SEP]
    assert not reranker.is_cut("a" * 50, "b" * 43)
    assert reranker.is_cut("a" * 50, "b" * 44)
    assert reranker.is_cut("b" * 90, "a" * 4)
    assert not reranker.is_cut("short", "and short")
