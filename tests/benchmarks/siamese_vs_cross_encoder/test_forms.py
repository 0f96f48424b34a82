from pathlib import Path

import numpy as np

from benchmarks.siamese_vs_cross_encoder.forms import LazyForm, ModelFiles, open_form


class Echo:
    def encode(self, texts):
        return np.ones((len(texts), 2), np.float32)


def test_a_network_is_opened_when_it_is_first_used_and_once():
    opened = []

    def opener(name):
        return lambda: opened.append(name) or Echo()

    form = LazyForm(open_encoder=opener("encoder"), open_head=opener("head"), open_reranker=opener("reranker"))
    assert opened == []
    form.encode(["a"])
    form.encode(["b"])
    assert opened == ["encoder"]


def test_files_go_to_another_process_by_their_whole_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("encoder", "encoder_fp32", "encoder_checkpoint", "reranker", "reranker_fp32", "reranker_checkpoint")
    there = ModelFiles.from_json(ModelFiles(**{name: Path(name) for name in names}).to_json())
    assert vars(there) == {name: tmp_path.resolve() / name for name in names}


def test_nothing_is_opened_for_a_form_that_is_not_used():
    nowhere = ModelFiles(**dict.fromkeys(ModelFiles.__dataclass_fields__, Path("nowhere")))
    assert {type(open_form(name, nowhere)) for name in ("int8", "fp32", "torch")} == {LazyForm}
