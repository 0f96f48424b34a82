import json

import pytest

from models.checkpoint import read_checkpoint, read_provenance
from models.errors import CheckpointError

CHINESE = {"{file}: pools by {modes}, only cls or mean can be converted": "{file}：{modes}", " and ": " 和 "}


def test_what_lies_beside_the_weights_is_read(checkpoint):
    (checkpoint / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q: "}}')
    found = read_checkpoint(checkpoint)
    assert (found.folder, found.pooling, found.prefixes) == (checkpoint, "mean", {"question": "q: ", "answer": ""})
    assert found.config.hidden_size == json.loads((checkpoint / "config.json").read_bytes())["hidden_size"]


def test_a_checkpoint_without_weights_is_refused_with_the_way_to_save_it(checkpoint):
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing: save the model with save_pretrained"):
        read_checkpoint(checkpoint)


def test_poolings_that_cannot_be_converted_are_named_in_every_language(checkpoint):
    folder = checkpoint / "1_Pooling"
    folder.mkdir()
    (folder / "config.json").write_text('{"pooling_mode": ["cls", "max"]}')
    with pytest.raises(CheckpointError, match="pools by cls and max, only cls or mean") as caught:
        read_checkpoint(checkpoint)
    assert caught.value.message.translated(lambda text: CHINESE.get(text, text)) == f"{folder}/config.json：cls 和 max"


def test_the_provenance_is_the_file_or_that_there_is_none(checkpoint):
    assert read_provenance(checkpoint) == "Not stated: the checkpoint has no PROVENANCE.md."
    (checkpoint / "PROVENANCE.md").write_text("- Weights: 自制\n", encoding="utf-8")
    assert read_provenance(checkpoint) == "- Weights: 自制\n"
