import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.encoding import find_variants, named_folders
from benchmarks.errors import BenchmarkError
from benchmarks.labelled_sets import read_labelled_set
from models import directory
from models.errors import ModelError


@pytest.fixture
def english_model(model, tmp_path):
    folder = tmp_path / "tiny-en"
    shutil.copytree(model, folder)
    directory.write_spec(folder, replace(directory.open_directory(folder).spec, name="tiny-en", languages=("en",)))
    return str(folder)


@pytest.fixture
def checkpoint(tmp_path):
    """All that is looked at before it is loaded."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 40}))
    return str(folder)


def test_models_stand_first_each_with_its_checkpoint_behind_it_then_other_networks(model, english_model, checkpoint):
    named = {"untrained": checkpoint, "tiny-en": checkpoint, "minilm": checkpoint}
    variants = find_variants([model, english_model], named, ["minilm"], threads=1)
    digest = directory.open_directory(Path(model)).spec.digest[:12]
    assert [one.label for one in variants] == [
        f"tiny@{digest}, int8",
        f"tiny-en@{digest}, int8",
        f"tiny-en@{digest}, fp32",
        "untrained, fp32",
        "minilm, fp32",
    ]
    assert [one.languages for one in variants] == [("zh", "en"), ("en",), ("en",), ("zh", "en"), ("en",)]
    assert [one.max_tokens for one in variants] == [64, 64, 40, 40, 40]


def test_a_checkpoint_may_be_named_by_the_folder_of_its_model(model, checkpoint):
    _, fp32 = find_variants([model], {model: checkpoint}, [], threads=1)
    assert fp32.label.startswith("tiny@")
    assert (fp32.precision, fp32.folder) == ("fp32", Path(checkpoint))


def test_english_encoders_are_not_judged_on_chinese_sets(model, english_model, data_folder):
    both, english = find_variants([model, english_model], {}, [], threads=1)
    faq, pairs = read_labelled_set("covid_q", data_folder), read_labelled_set("bustm", data_folder)
    across = replace(pairs, languages=frozenset({"zh", "en"}))
    assert [both.knows(one) for one in (faq, pairs, across)] == [True, True, True]
    assert [english.knows(one) for one in (faq, pairs, across)] == [True, False, False]


def test_what_cannot_be_compared_is_refused_by_name(model, checkpoint, tmp_path):
    with pytest.raises(BenchmarkError, match=r"tiny@\w+, int8: is named twice"):
        find_variants([model, model], {}, [], threads=1)
    with pytest.raises(BenchmarkError, match="tiny: only a checkpoint that belongs to no model"):
        find_variants([model], {"tiny": checkpoint}, ["tiny"], threads=1)
    with pytest.raises(ModelError, match="network nowhere: is neither a folder nor an installed package"):
        find_variants([model], {"other": "nowhere"}, [], threads=1)
    with pytest.raises(BenchmarkError, match=r"no checkpoint of the transformers library: config\.json"):
        find_variants([model], {"other": str(tmp_path)}, [], threads=1)


def test_named_folders_are_read():
    assert named_folders(["a=b/c", "d=e=f"]) == {"a": "b/c", "d": "e=f"}


@pytest.mark.parametrize(("options", "said"), [(["a"], "a: is not NAME=DIR"), (["a=b", "a=c"], "a is named twice")])
def test_folders_without_a_name_of_their_own_are_refused(options, said):
    with pytest.raises(BenchmarkError, match=said):
        named_folders(options)
