from copy import deepcopy

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file, save_file

from models import reranker_conversion
from models.bert_graph import build_reranker_graph
from models.checkpoint import read_checkpoint
from models.errors import CheckpointError
from models.onnx_session import load_session
from models.quantisation import quantise, read_tensors
from models.reranker import OnnxReranker, in_canonical_order
from models.reranker_conversion import RerankerOptions, convert_reranker
from models.reranker_directory import open_reranker_directory
from models.reranking import RerankingSet

OPTIONS = RerankerOptions(name="tiny", languages=("en",), max_tokens=40)
TEXTS = ("how do i reset my password", "where is the parcel", "my password", "is the parcel my parcel", "do i", "how")


def read(network, tokenizer, first, second, **options):
    """What transformers makes of a pair in this order."""
    encoding = tokenizer.encode(first, second)
    with torch.inference_mode():
        return network(
            input_ids=torch.tensor([encoding.ids]), token_type_ids=torch.tensor([encoding.type_ids]), **options
        )


@pytest.fixture
def ask(pair_bert, tokenizer):
    """Ask each of the queries among all other texts; right is what the network in fp32 prefers, and one pair more."""

    def ask(queries, network=pair_bert):
        pairs = [(query, candidate) for query in queries for candidate in TEXTS if query != candidate]
        logits = np.array([read(network, tokenizer, *in_canonical_order(*pair)).logits.item() for pair in pairs])
        candidates = len(TEXTS) - 1
        right = np.zeros(len(pairs), bool)
        right[logits.reshape(-1, candidates).argmax(axis=1) + np.arange(len(queries)) * candidates] = True
        right[logits.argsort()[len(pairs) // 2]] = True
        return RerankingSet(
            name="all",
            pairs=tuple(pairs),
            query_of_pair=np.repeat(np.arange(len(queries)), candidates),
            right=right,
            similarity=-np.arange(len(pairs), dtype=np.float32),
            in_scope=len(queries),
        )

    return ask


@pytest.fixture
def reranked(ask):
    """Queries whose best candidate stands well above the others."""
    return ask(TEXTS[2:])


@pytest.fixture
def convert(pair_checkpoint, tmp_path, reranked):
    def convert(options=OPTIONS, data=reranked, said=None):
        say = (said if said is not None else []).append
        return convert_reranker(pair_checkpoint, tmp_path / "out" / "tiny", options, [data], on_progress=say)

    return convert


def test_a_checkpoint_becomes_a_model_directory_that_opens(convert, tmp_path, reranked):
    said: list[str] = []
    spec = convert(said=said)
    out = tmp_path / "out" / "tiny"
    assert open_reranker_directory(out).spec == spec
    assert {path.name for path in out.iterdir()} == {"model.onnx", "tokenizer.json", "card.md", "spec.json"}
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]
    assert said == [f"comparing int8 with fp32 on all: {len(reranked.pairs)} pairs each"]
    reranker = OnnxReranker.open(out)
    logits = np.concatenate([reranker.logits(query, candidates) for query, candidates in reranked.by_query()])
    assert reranked.precision_at_1(logits) == 1


@pytest.fixture
def with_a_large_channel(pair_bert):
    """The network with a channel of about 200 in each feed-forward part, and weights that hardly read it."""
    network = deepcopy(pair_bert)
    with torch.no_grad():
        for layer in network.bert.encoder.layer:
            layer.intermediate.dense.bias[5] += 200
            layer.output.dense.weight[:, 5] /= 200
    return network


def test_a_large_channel_of_pairs_is_smoothed(
    convert, ask, with_a_large_channel, pair_checkpoint, tokenizer, reranker_spec, tmp_path, monkeypatch
):
    monkeypatch.setattr(reranker_conversion, "MAX_P_AT_1_LOSS", 1.0)  # some of these candidates stand very near
    with_a_large_channel.save_pretrained(pair_checkpoint)
    data = ask(TEXTS, network=with_a_large_channel)
    fp32 = np.array(
        [read(with_a_large_channel, tokenizer, *in_canonical_order(*pair)).logits.item() for pair in data.pairs]
    )

    def loss(reranker):
        int8 = np.concatenate([reranker.logits(query, candidates) for query, candidates in data.by_query()])
        return np.abs(int8 - fp32)

    rough = build_reranker_graph(read_checkpoint(pair_checkpoint).config, read_tensors(pair_checkpoint), for_int8=True)
    quantise(rough, tmp_path / "rough.onnx", tmp_path)
    assert loss(OnnxReranker(reranker_spec(), load_session(tmp_path / "rough.onnx"), tokenizer)).mean() > 0.4
    convert(data=data)
    assert loss(OnnxReranker.open(tmp_path / "out" / "tiny")).max() < 0.2


@pytest.mark.parametrize("both_directions", [False, True])
def test_channels_are_measured_in_the_orders_that_are_read(
    convert, reranked, pair_bert, pair_checkpoint, tokenizer, tmp_path, both_directions
):
    convert(RerankerOptions(name="tiny", languages=("en",), max_tokens=40, both_directions=both_directions))
    orders = [in_canonical_order(*pair) for pair in reranked.pairs]
    if both_directions:
        orders += [(second, first) for first, second in orders]
    hidden = [read(pair_bert, tokenizer, *pair, output_hidden_states=True).hidden_states[0][0] for pair in orders]
    sizes = torch.cat(hidden).abs().max(dim=0).values.numpy()
    tensors = read_tensors(pair_checkpoint)
    projections = [tensors[f"encoder.layer.0.attention.self.{part}.weight"] for part in ("query", "key", "value")]
    written = onnx.load(tmp_path / "out" / "tiny" / "model.onnx").graph.initializer
    (inverse,) = (numpy_helper.to_array(one) for one in written if one.name == "encoder.layer.0.qkv.inverse_scales")
    np.testing.assert_allclose(inverse, np.sqrt(np.abs(projections).max(axis=(0, 1)) / sizes), rtol=1e-4)


def test_what_a_training_left_in_the_tokenizer_does_not_cut_what_is_measured(
    convert, pair_checkpoint, tokenizer, tmp_path
):
    network = tmp_path / "out" / "tiny" / "model.onnx"
    convert()
    whole = network.read_bytes()
    tokenizer.enable_truncation(6)
    tokenizer.save(str(pair_checkpoint / "tokenizer.json"))
    convert()
    assert network.read_bytes() == whole


def test_the_temperature_is_that_of_the_int8_logits(convert, tmp_path, reranked, monkeypatch):
    asked = []

    def fit(logits, right):
        asked.append((logits, right))
        return 2.5

    monkeypatch.setattr(reranker_conversion, "fit_temperature", fit)
    assert convert().temperature == 2.5
    reranker = OnnxReranker.open(tmp_path / "out" / "tiny")
    ((logits, right),) = asked
    np.testing.assert_array_equal(right, reranked.right)
    np.testing.assert_array_equal(
        logits, np.concatenate([reranker.logits(query, candidates) for query, candidates in reranked.by_query()])
    )


def test_the_card_says_what_was_measured(convert, pair_checkpoint, tmp_path):
    (pair_checkpoint / "PROVENANCE.md").write_text("- Weights: drawn at random, licence CC0.")
    spec = convert()
    card = (tmp_path / "out" / "tiny" / "card.md").read_text(encoding="utf-8")
    assert f"Digest `{spec.digest[:12]}`, languages en." in card
    assert "drawn at random, licence CC0" in card
    row = next(line for line in card.splitlines() if line.startswith("| all |"))
    name, queries, pairs, encoder, fp32, int8, mean, largest = (cell.strip() for cell in row.strip("|").split("|"))
    assert (name, queries, pairs, fp32, int8) == ("all", "4", "20", "1.0000", "1.0000")
    assert float(encoder) < 1
    assert 0 < float(mean) <= float(largest) < 0.2


def test_how_a_pair_is_read_goes_into_the_spec(convert):
    options = RerankerOptions(name="tiny", languages=("zh", "en"), max_tokens=20, both_directions=True)
    spec = convert(options)
    assert (spec.both_directions, spec.max_tokens, spec.languages) == (True, 20, ("zh", "en"))
    assert spec.digest != convert().digest


def test_the_same_checkpoint_gives_the_same_digest(convert):
    assert convert() == convert()


def test_int8_that_loses_too_much_is_refused_and_leaves_what_was_there(
    convert, ask, pair_bert, pair_checkpoint, tmp_path
):
    before = convert()
    network = deepcopy(pair_bert)
    with torch.no_grad():
        for layer in network.bert.encoder.layer:  # a large channel where nothing is smoothed
            layer.attention.self.value.bias[5] += 1000
            layer.attention.output.dense.weight[:, 5] /= 1000
    network.save_pretrained(pair_checkpoint)
    with pytest.raises(CheckpointError, match=r"int8 loses more than 0\.005 of P@1 against fp32 \(1\.0000 to 0\.\d+\)"):
        convert(data=ask(TEXTS, network=network))
    assert open_reranker_directory(tmp_path / "out" / "tiny").spec == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny"]


def test_a_loss_of_exactly_what_is_allowed_is_none_too_many(convert, monkeypatch):
    monkeypatch.setattr(reranker_conversion, "MAX_P_AT_1_LOSS", 0.0)
    convert()


def test_a_checkpoint_of_an_encoder_is_refused(convert, pair_checkpoint):
    tensors = load_file(pair_checkpoint / "model.safetensors")
    del tensors["classifier.weight"]
    save_file(tensors, pair_checkpoint / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"the tensor classifier\.weight .* is missing"):
        convert()


def test_what_cannot_be_is_refused_at_once(convert, tmp_path):
    with pytest.raises(CheckpointError, match="max_tokens 41: this network reads 40 at most"):
        convert(RerankerOptions(name="tiny", languages=("en",), max_tokens=41))
    assert not (tmp_path / "out").exists()
