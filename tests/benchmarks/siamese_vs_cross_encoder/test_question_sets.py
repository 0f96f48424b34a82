import json

import numpy as np
import pytest

from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.question_sets import (
    BUNDLED,
    choose,
    count_entries,
    keep_in_scope,
    list_candidates,
    read_set,
)
from models.evaluation import RetrievalSet


def made(*relevant, queries=("怎麼退貨", " b ", "c", "d")):
    return RetrievalSet(
        name="made",
        texts=("near a", "a", "b", "c"),
        group_of_text=np.array([0, 0, 1, 2]),
        queries=queries,
        relevant=tuple(frozenset(one) for one in relevant),
    )


def test_the_bundled_faq_is_a_set_whose_queries_name_its_entries(tmp_path):
    data = read_set(BUNDLED, DataFolder(tmp_path / "none"))
    assert (count_entries(data), len(data.queries)) == (200, 300)
    assert sum(map(bool, data.relevant)) == 240
    place = data.queries.index("passwort lost, need link")
    texts = {data.texts[row] for row, group in enumerate(data.group_of_text) if group in data.relevant[place]}
    assert {"How do I reset my password?", "pw forgotten"} <= texts


def test_a_folder_is_a_set_by_its_name(data):
    found = read_set("covid_q", DataFolder(data))
    assert (found.name, count_entries(found), len(found.queries)) == ("covid_q", 20, 40)


def test_queries_out_of_scope_are_left_out_and_all_texts_are_in_the_normal_form():
    data = keep_in_scope(made({0}, {1}, (), {2}), None)
    assert data.queries == ("怎么退货", "b", "d")
    assert data.relevant == (frozenset({0}), frozenset({1}), frozenset({2}))


def test_a_set_without_any_query_in_scope_is_refused():
    with pytest.raises(BenchmarkError, match=r"set made: no query names an id"):
        keep_in_scope(made((), (), (), ()), None)


def test_some_are_chosen_by_the_seed_always_the_same_and_in_order():
    chosen = choose(range(1_000), 50)
    assert chosen == choose(range(1_000), 50) == sorted(set(chosen))
    assert len(chosen) == 50
    assert max(chosen) > 900
    assert choose("abc", 3) == choose("abc", None) == choose("abc", 9) == ["a", "b", "c"]


def test_candidates_are_the_nearest_phrasings_of_the_first_entries_and_know_which_is_right():
    angles = {"near a": 5, "a": 10, "b": 30, "c": 50, "q": 6, "r": 40}

    def encode(texts):
        radians = np.radians([angles[text] for text in texts])
        return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)

    [one, other] = list_candidates(encode, made({0}, {2}, queries=("q", "r")), 2)
    assert (one.query, one.texts, one.right.tolist()) == ("q", ("near a", "b"), [True, False])
    assert (other.query, set(other.texts)) == ("r", {"b", "c"})
    assert dict(zip(other.texts, other.right.tolist(), strict=True)) == {"b": False, "c": True}


def test_a_query_that_names_no_entry_of_its_faq_is_out_of_scope(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "faq.jsonl").write_text(json.dumps({"id": "1", "question": "a"}) + "\n")
    rows = [{"query": "a?", "relevant": ["1"]}, {"query": "b?", "relevant": ["gone"]}]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert keep_in_scope(read_set("shop", DataFolder(tmp_path)), None).queries == ("a?",)
