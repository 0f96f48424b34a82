import json
import re

import pytest

from models.errors import TrainingError
from models.training.texts import (
    CORPUS,
    Group,
    Pair,
    read_corpus,
    read_faq_groups,
    read_keys,
    read_pairs,
    read_pool,
    read_translations,
    tied_by,
)

HEADER = "text_a\ttext_b\tlabel"


def test_pairs_are_read_in_their_normal_form(tmp_path, write_rows):
    file = write_rows(tmp_path / "pairs.tsv", HEADER, "Ｈｏｗ  so?\t怎麼辦\t1", "a\tb\t0")
    assert read_pairs(file) == [Pair("How so?", "怎么办", 1.0), Pair("a", "b", 0.0)]


def test_graded_labels_are_scaled_by_the_largest(tmp_path, write_rows):
    file = write_rows(tmp_path / "pairs.tsv", HEADER, "a\tb\t5", "a\tc\t2.5", "a\td\t0")
    assert [pair.similarity for pair in read_pairs(file)] == [1.0, 0.5, 0.0]


def test_labels_below_one_are_left_as_they_are(tmp_path, write_rows):
    file = write_rows(tmp_path / "pairs.tsv", HEADER, "a\tb\t0.5", "a\tc\t0.25")
    assert [pair.similarity for pair in read_pairs(file)] == [0.5, 0.25]


@pytest.mark.parametrize("line", ["a\tb", "a\tb\tsame", "a\tb\tc\t1", "", "a\tb\tnan", "a\tb\tinf", "a\tb\t-1"])
def test_a_row_that_is_no_pair_is_named_by_file_and_row(tmp_path, write_rows, line):
    file = write_rows(tmp_path / "pairs.tsv", HEADER, "a\tb\t1", line, "a\tb\t1")
    with pytest.raises(TrainingError) as refused:
        read_pairs(file)
    assert str(refused.value) == f"{file}, row 3: is not text_a, text_b and a number, by tabs"


def test_a_pair_file_without_header_does_not_lose_its_first_row_in_silence(tmp_path, write_rows):
    file = write_rows(tmp_path / "pairs.tsv", "a\tb\t1", "c\td\t0")
    with pytest.raises(TrainingError, match=r"pairs\.tsv, row 1: is no header"):
        read_pairs(file)


@pytest.mark.parametrize("content", ["", f"{HEADER}\n"])
def test_a_pair_file_without_pairs_is_refused(tmp_path, content):
    (tmp_path / "pairs.tsv").write_text(content)
    with pytest.raises(TrainingError, match=r"pairs\.tsv: holds no pairs"):
        read_pairs(tmp_path / "pairs.tsv")


def test_a_file_of_windows_is_read(tmp_path):
    (tmp_path / "pairs.tsv").write_bytes(f"\ufeff{HEADER}\r\na\tb\t1\r\n".encode())
    assert read_pairs(tmp_path / "pairs.tsv") == [Pair("a", "b", 1.0)]


def test_a_missing_file_and_one_in_another_encoding_are_named(tmp_path):
    with pytest.raises(TrainingError, match=r"no\.tsv: cannot be read \(No such file or directory\)"):
        read_pairs(tmp_path / "no.tsv")
    (tmp_path / "gbk.tsv").write_bytes(f"{HEADER}\n怎么办\t怎么\t1\n".encode("gbk"))
    with pytest.raises(TrainingError, match=r"gbk\.tsv: is no UTF-8"):
        read_pairs(tmp_path / "gbk.tsv")


def test_rows_of_two_files_are_translations_of_each_other(tmp_path, write_rows):
    english = write_rows(tmp_path / "en.tsv", HEADER, "one\ttwo\t3", "one\tthree\t5")
    chinese = write_rows(tmp_path / "zh.tsv", HEADER, "一\t二\t3", "一\t三\t5")
    assert read_translations([english, chinese]) == [("one", "一"), ("two", "二"), ("three", "三")]
    assert read_translations([english]) == [("one", "two"), ("one", "three")]


def test_files_of_different_length_are_no_translations(tmp_path, write_rows):
    english = write_rows(tmp_path / "en.tsv", HEADER, "one\ttwo\t3", "one\tthree\t5")
    chinese = write_rows(tmp_path / "zh.tsv", HEADER, "一\t二\t3")
    with pytest.raises(TrainingError) as refused:
        read_translations([english, chinese])
    assert str(refused.value) == f"{english} has 2 rows and {chinese} 1: they are no translations of each other"


def test_an_entry_with_two_phrasings_is_a_group(tmp_path, write_rows):
    file = write_rows(
        tmp_path / "faq.jsonl",
        {"id": "a", "question": "How?", "similar": ["How so?", "How?", " "], "answer": "So."},
        {"id": "b", "question": "Alone", "similar": []},
        {"question": "為何", "similar": ["为什么"]},
        {"question": "Alone too", "similar": None},
    )
    assert read_faq_groups(file, "en") == [
        Group(id="a", texts={"en": ("How?", "How so?")}),
        Group(id="3", texts={"en": ("为何", "为什么")}),
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"similar": ["b"]},
        {"question": 3},
        {"question": "a", "similar": "b"},
        {"question": "a", "similar": [None]},
        '{"question": "\\ud800", "similar": ["a"]}',
    ],
)
def test_an_entry_that_is_none_is_named_by_file_and_row(tmp_path, write_rows, row):
    file = write_rows(tmp_path / "faq.jsonl", {"question": "a", "similar": ["b"]}, row)
    with pytest.raises(TrainingError) as refused:
        read_faq_groups(file, "en")
    assert str(refused.value) == f"{file}, row 2: has no question, or similar is no list of texts"


@pytest.mark.parametrize(("line", "problem"), [("{", "is no JSON: "), ("[1]", "is no JSON object"), ("", "is no JSON")])
def test_a_line_that_is_no_json_object_is_named_by_file_and_row(tmp_path, write_rows, line, problem):
    file = write_rows(tmp_path / "faq.jsonl", {"question": "a"}, line, {"question": "b"})
    with pytest.raises(TrainingError, match=re.escape(f"{file}, row 2: {problem}")):
        read_faq_groups(file, "en")


def test_a_group_loses_the_texts_that_are_held_out():
    group = Group(id="a", texts={"en": ("How?", "How so", "Why"), "zh": ("怎么办", "为什么")})
    assert group.without(frozenset(["how"])) == Group(
        id="a", texts={"en": ("How so", "Why"), "zh": ("怎么办", "为什么")}
    )
    assert group.without(frozenset(["how", "why"])) is None
    assert group.without(frozenset(["为什么"])) is None


def test_pairs_that_mean_the_same_tie_texts_into_groups():
    pairs = [
        *(Pair("a", "b", 1.0), Pair("c", "d", 1.0), Pair("x", "y", 0.0), Pair("e", "f", 0.5), Pair("b", "d", 1.0)),
        *(Pair("a", "c", 1.0), Pair("g", "g", 1.0), Pair("h", "i", 1.0)),
    ]
    groups = tied_by(pairs, "en")
    assert [sorted(group.texts["en"]) for group in groups] == [["a", "b", "c", "d"], ["h", "i"]]


def test_a_domain_of_the_corpus_is_read_with_its_near_misses():
    (domain,) = read_corpus(["hotel"]).items()
    rows = [json.loads(line) for line in (CORPUS / "hotel.jsonl").read_text(encoding="utf-8").splitlines()]
    assert domain[0] == "hotel"
    assert [group.id for group in domain[1]] == [row["id"] for row in rows]
    assert domain[1][0].near == tuple(rows[0]["near"])
    assert {language: len(texts) for language, texts in domain[1][0].texts.items()} == {
        language: len(rows[0][language]) for language in ("zh", "en")
    }


def test_a_domain_is_read_in_the_languages_that_are_asked_for():
    assert {tuple(group.texts) for group in read_corpus(["hotel"], ["en"])["hotel"]} == {("en",)}


def test_an_unknown_domain_is_named():
    with pytest.raises(TrainingError, match=r"circus\.jsonl: cannot be read"):
        read_corpus(["circus"])


def test_a_pool_is_read_once_each_and_without_the_excluded_sources(tmp_path, write_rows):
    rows = ("question\tsource", "How?\tx", "Why?\ty", "How?\tz", " \tx", "Ｗｈｏ\tx")
    file = write_rows(tmp_path / "pool.tsv", *rows)
    assert read_pool(file) == ["How?", "Why?", "Who"]
    assert read_pool(file, ["y", "z"]) == ["How?", "Who"]


def test_the_keys_of_all_kinds_of_files_are_read(tmp_path, write_rows):
    faq = write_rows(tmp_path / "faq.jsonl", {"question": "How?", "similar": ["How SO"]}, {"question": "Who"})
    queries = write_rows(tmp_path / "queries.jsonl", {"query": "Why?", "relevant": []}, {"query": "W", "similar": None})
    pairs = write_rows(tmp_path / "pairs.tsv", HEADER, "One?\tTwo!\t1")
    assert read_keys(faq) == {"how", "how so", "who"}
    assert read_keys(queries) == {"why", "w"}
    assert read_keys(pairs) == {"one", "two"}
