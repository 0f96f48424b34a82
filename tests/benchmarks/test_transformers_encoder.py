import json

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from benchmarks.errors import BenchmarkError
from benchmarks.quality import QUICK_SETS, QualityOptions, measure_quality
from benchmarks.transformers_encoder import TransformersEncoder

PREFIX = "where is "
TEXTS = [f"my order {'today ' * times}twice" for times in (40, 0, 3, 1)] + ["怎么取消我的订单", "gift"] * 40


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, tokenizer):
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    wrapped.save_pretrained(folder)
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": PREFIX}}))
    return folder


def test_a_vector_in_a_padded_batch_is_the_mean_over_the_text_alone(checkpoint, tokenizer):
    encoder = TransformersEncoder(checkpoint, max_tokens=16, threads=1)
    network = BertModel.from_pretrained(checkpoint).eval()
    tokenizer.enable_truncation(16)
    alone = []
    for text in TEXTS:
        ids = torch.tensor([tokenizer.encode(PREFIX + text).ids])
        with torch.inference_mode():
            mean = network(input_ids=ids).last_hidden_state[0].mean(dim=0)
        alone.append((mean / mean.norm()).numpy())
    tokenizer.no_truncation()
    np.testing.assert_allclose(encoder.encode(TEXTS), np.stack(alone), atol=1e-5)


def test_the_checkpoint_stands_beside_the_model_with_the_difference(checkpoint, data, model):
    options = QualityOptions(
        data=data,
        models=(model,),
        checkpoints={"tiny": str(checkpoint), "other": str(checkpoint)},
        threads=1,
        sets=QUICK_SETS,
        quick=True,
    )
    report = measure_quality(options)
    int8, fp32, other = report.results["encoders"]
    assert (fp32, other) == (int8.replace("int8", "fp32"), "other, fp32")
    for found in report.results["sets"].values():
        assert found["differences_to_the_first"].keys() == {fp32, other}
        for metric, gained in found["differences_to_the_first"][fp32].items():
            ours, theirs = (found["figures"][label][metric]["value"] for label in (int8, fp32))
            assert gained["value"] == pytest.approx(theirs - ours)
            assert gained["low"] <= gained["value"] <= gained["high"]
        assert found["figures"][other] == found["figures"][fp32]
    assert report.tables[0].columns == ("set", "sizes", "metric", int8, fp32, other)
    assert "torch" in report.circumstances.packages


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(BenchmarkError, match=r"config\.json is missing"):
        TransformersEncoder(tmp_path, max_tokens=16, threads=1)
