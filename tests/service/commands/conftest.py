"""A training small enough for a test: a BERT of fourteen words, whose questions are sets of words in any order."""

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel

WORDS = ["how", "do", "i", "reset", "my", "password", "where", "is", "the", "parcel"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


@pytest.fixture
def toy_training(tmp_path, monkeypatch) -> Path:
    """A folder with base/, data/ and development/, worked in with one thread."""
    import torch  # here, because it takes seconds that most tests of this folder do without
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=14,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
        initializer_range=0.3,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "base")
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(SPECIAL + WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(tmp_path / "base" / "tokenizer.json"))
    for folder, entries in (("data", 30), ("development", 3)):
        (tmp_path / folder).mkdir()
        generator = random.Random(entries)
        rows, queries = [], []
        for number in range(entries):
            chosen = WORDS[3 * number : 3 * number + 3] if entries == 3 else generator.sample(WORDS, 3)
            texts = [" ".join(generator.sample(chosen, 3)) for _ in range(4)]
            rows.append({"id": str(number), "question": texts[0], "similar": texts[1:3]})
            queries.append({"query": texts[3], "relevant": [str(number)]})
        queries.append({"query": "parcel parcel parcel", "relevant": []})
        for name, lines in (("faq.jsonl", rows), ("queries.jsonl", queries)):
            (tmp_path / folder / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(before)
