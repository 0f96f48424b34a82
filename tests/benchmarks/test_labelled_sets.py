import hashlib

import numpy as np
import pytest

from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError
from benchmarks.labelled_sets import ALL_SETS, CORPUS_DOMAINS, read_labelled_set
from models.training.development import DevelopmentMetric
from models.training.recipe import find_recipe, read_recipe
from models.training.texts import read_corpus


def by_characters(texts):
    """Vectors of which characters a text holds."""
    rows = np.zeros((len(texts), 64), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for character in text:
            row[hashlib.sha256(character.encode()).digest()[0] % 64] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class ByCharacters:
    """Stands for the model that a training measures."""

    def encode(self, texts, **_):
        return by_characters(texts)


def write(folder, name, *rows):
    (folder / name).mkdir()
    (folder / name / "dev.tsv").write_text("\n".join(("text_a\ttext_b\tlabel", *rows)) + "\n", encoding="utf-8")
    return DataFolder(folder)


def test_a_set_says_what_it_holds(data_folder):
    faq, pairs = read_labelled_set("covid_q", data_folder), read_labelled_set("bustm", data_folder)
    assert (faq.name, faq.languages, faq.items, len(faq.texts)) == ("covid_q", {"en"}, 40, 60)
    assert faq.sizes == {"entries": 20, "phrasings": 20, "in_scope": 20, "out_of_scope": 20}
    assert (pairs.name, pairs.languages, pairs.items, len(pairs.texts)) == ("bustm/test", {"zh"}, 20, 40)


def test_the_first_queries_and_pairs_are_taken(data_folder):
    assert read_labelled_set("covid_q", data_folder, 25).sizes["out_of_scope"] == 5
    assert read_labelled_set("bustm", data_folder, 12).sizes == {"pairs": 12}


def test_graded_pairs_are_judged_by_their_order_alone(tmp_path):
    data = write(tmp_path, "stsb_en", "a b\ta b\t5.0", "a b\ta c\t3.0", "a b\tc d\t0.2")
    scores = read_labelled_set("stsb_en", data).score(by_characters, None)
    assert scores.figures(np.arange(3)) == {"Spearman": pytest.approx(1)}


def test_the_corpus_is_measured_as_trainings_measure_it(data_folder):
    groups = [group for groups in read_corpus(CORPUS_DOMAINS).values() for group in groups]
    expected = DevelopmentMetric(groups)(ByCharacters())
    for name, direction in (("zh", "zh-zh"), ("en", "en-en"), ("zh-en", "zh-en"), ("en-zh", "en-zh")):
        read = read_labelled_set(f"corpus_{name}", data_folder)
        assert read.languages == set(direction.split("-"))
        figures = read.score(by_characters, None).figures(np.arange(read.items))
        assert 0 < figures["P@1"] == expected[f"p_at_1_{direction}"]


def test_no_shipped_recipe_trains_on_the_domains_that_are_measured():
    for name in ("question-encoder-zh-en", "question-encoder-en"):
        assert read_recipe(find_recipe(name)).domains == CORPUS_DOMAINS


def test_an_unknown_set_is_refused_with_those_there_are(data_folder):
    with pytest.raises(BenchmarkError, match=r"set bankfaqs: unknown \(there are cic_dataclue, .*stsb_zh\)"):
        read_labelled_set("bankfaqs", data_folder)
    assert len(ALL_SETS) == 6 + 4 + 9


def test_sets_that_tell_nothing_apart_are_refused(tmp_path, data_folder):
    data = write(tmp_path, "lcqmc", "a\tb\t1", "c\td\t1")
    with pytest.raises(BenchmarkError, match="set lcqmc: holds no pairs that mean the same, or none that do not"):
        read_labelled_set("lcqmc", data)
    with pytest.raises(BenchmarkError, match="set covid_q: no query names an id"):
        read_labelled_set("covid_q", data_folder, 0)
