import json

import pytest

from models.errors import TrainingError
from models.training.recipe import Recipe, Task
from models.training.trunk import keep_and_freeze, load_network, require_bert

TASK = Task(kind="groups", share=1, files=("faq.jsonl",))


@pytest.fixture
def trunk(checkpoint):
    from transformers import BertModel

    return BertModel.from_pretrained(checkpoint)


def test_a_bert_is_taken_and_another_kind_refused(checkpoint):
    require_bert(checkpoint)
    config = json.loads((checkpoint / "config.json").read_bytes())
    (checkpoint / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    with pytest.raises(TrainingError, match="is of the kind gpt2, only bert can be trained"):
        require_bert(checkpoint)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_folder_without_weights_or_tokenizer_is_refused(checkpoint, name):
    (checkpoint / name).unlink()
    with pytest.raises(TrainingError, match="is no checkpoint folder"):
        require_bert(checkpoint)


def test_what_a_library_cannot_load_is_no_checkpoint_folder(checkpoint):
    def load() -> None:
        raise OSError("no weights")

    assert load_network(checkpoint, lambda: 3) == 3
    with pytest.raises(TrainingError, match=f"{checkpoint}: is no checkpoint folder \\(no weights\\)"):
        load_network(checkpoint, load)


def test_what_is_frozen_is_not_trained(trunk, checkpoint):
    keep_and_freeze(trunk, Recipe(steps=1, task=(TASK,), frozen_layers=1), checkpoint)
    trained = {name for name, weight in trunk.named_parameters() if weight.requires_grad}
    assert {name.rpartition(".layer.")[2][0] for name in trained if ".layer." in name} == {"1"}
    assert not any(name.startswith("embeddings.") for name in trained)


def test_the_token_table_alone_may_be_left_as_it_is(trunk, checkpoint):
    keep_and_freeze(trunk, Recipe(steps=1, task=(TASK,)), checkpoint)
    frozen = [name for name, weight in trunk.named_parameters() if not weight.requires_grad]
    assert frozen == ["embeddings.word_embeddings.weight"]


def test_layers_that_are_not_kept_are_gone(trunk, checkpoint):
    keep_and_freeze(trunk, Recipe(steps=1, task=(TASK,), layers=1), checkpoint)
    assert (len(trunk.encoder.layer), trunk.config.num_hidden_layers) == (1, 1)
    with pytest.raises(TrainingError, match="has 1 layers, the recipe keeps 2 and freezes 0"):
        keep_and_freeze(trunk, Recipe(steps=1, task=(TASK,), layers=2), checkpoint)
