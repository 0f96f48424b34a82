"""With torch."""

import json

import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.random_checkpoint import NetworkShape, write_prefix, write_random_checkpoint
from models.bert_graph import BertConfig
from models.checkpoint import read_checkpoint

SHAPE = NetworkShape(vocabulary=50, positions=40, layers=3, heads=2, width=16, inner=24)


def test_a_shape_is_that_of_the_network_it_is_read_off(bert_encoder, tokenizer):
    shape = NetworkShape.read(bert_encoder / "model.onnx")
    assert shape == NetworkShape(
        vocabulary=tokenizer.get_vocab_size(), positions=64, layers=2, heads=4, width=32, inner=64
    )
    assert str(shape) == f"2 layers, 32 wide, {tokenizer.get_vocab_size():,} tokens"


@pytest.mark.parametrize("of_pairs", [False, True])
def test_a_checkpoint_has_the_shape_that_was_asked_for_and_its_own_tokenizer(bert_encoder, tmp_path, of_pairs):
    folder = write_random_checkpoint(tmp_path / "made", SHAPE, bert_encoder / "tokenizer.json", of_pairs=of_pairs)
    config = read_checkpoint(folder).config
    expected = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "max_position_embeddings": 40}
    assert vars(config) == vars(BertConfig(layer_norm_eps=1e-12, **expected))
    tensors = {
        name.removeprefix("bert."): tensor.shape for name, tensor in load_file(folder / "model.safetensors").items()
    }
    assert tensors["embeddings.word_embeddings.weight"] == (50, 16)
    assert tensors["encoder.layer.2.intermediate.dense.weight"] == (24, 16)
    assert tensors.get("classifier.weight") == ((1, 16) if of_pairs else None)
    theirs, ours = (Tokenizer.from_file(str(one / "tokenizer.json")) for one in (bert_encoder, folder))
    assert ours.encode("how do i", "return it").ids == theirs.encode("how do i", "return it").ids


def test_the_same_shape_gets_the_same_weights(bert_encoder, tmp_path):
    made = [
        write_random_checkpoint(tmp_path / name, SHAPE, bert_encoder / "tokenizer.json", of_pairs=True) for name in "ab"
    ]
    first, second = ((folder / "model.safetensors").read_bytes() for folder in made)
    assert first == second


def test_the_prefix_is_the_one_that_the_checkpoint_gives(tmp_path):
    write_prefix(tmp_path, "query: ")
    assert json.loads((tmp_path / "config_sentence_transformers.json").read_text())["prompts"]["query"] == "query: "


def test_a_tokenizer_that_cannot_pad_is_refused(tmp_path):
    file = tmp_path / "tokenizer.json"
    Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(file))
    with pytest.raises(BenchmarkError, match="has no token to pad with"):
        write_random_checkpoint(tmp_path / "made", SHAPE, file, of_pairs=False)
