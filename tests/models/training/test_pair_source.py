import json
from itertools import chain

import numpy as np
import pytest

from models.errors import TrainingError
from models.normalise import key
from models.reranker import in_canonical_order
from models.training.pair_recipe import PairRecipe, PairTask
from models.training.pair_source import PairSource
from models.training.texts import read_corpus


class Letters:
    """An encoder that counts letters, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts):
        self.asked += texts
        counts = np.array([[text.count(letter) for letter in "abcdehi"] for text in texts], np.float32) + 0.1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def source(tmp_path):
    def make(*tasks: PairTask, in_random_order: bool = False, **settings: object) -> PairSource:
        recipe = PairRecipe(**{"steps": 10, "rows": 8, "task": tasks} | settings)
        return PairSource(recipe=recipe, data=tmp_path, encode=Letters(), in_random_order=in_random_order)

    return make


@pytest.fixture
def pairs(tmp_path, write_rows):
    rows = [f"a{n}\tb{n}\t{n % 5}" for n in range(40)]
    return write_rows(tmp_path / "pairs.tsv", "text_a\ttext_b\tlabel", *rows)


def task(kind: str, *files: str, **settings: object) -> PairTask:
    return PairTask(kind=kind, share=1, files=files, **settings)


def rows_of(blocks):
    return [row for block in blocks for row in zip(block.first, block.second, block.labels[:, 0], strict=True)]


def test_a_list_of_the_corpus_is_of_one_domain_and_domains_take_turns(source):
    meanings = {
        key(text): group.id
        for groups in read_corpus(["bank", "game"]).values()
        for group in groups
        for text in chain.from_iterable(group.texts.values())
    }
    (blocks,) = source(task("corpus", "bank", "game"), steps=5).draw().values()
    domains = [{meanings[key(text)].partition("/")[0] for text in block.first + block.second} for block in blocks]
    assert domains == [{"bank"}, {"game"}, {"bank"}, {"game"}, {"bank"}]
    for first, second, label in rows_of(blocks):
        assert (meanings[key(first)] == meanings[key(second)]) == (label == 1)


def test_entries_of_an_faq_have_the_negatives_that_the_encoder_takes_for_them(source, tmp_path, write_rows):
    write_rows(
        tmp_path / "faq.jsonl",
        {"id": "1", "question": "aaa", "similar": ["aab"]},
        {"id": "2", "question": "aba", "similar": ["hih"]},
        {"id": "3", "question": "ddd", "similar": ["dde"]},
        {"id": "4", "question": "eee", "similar": ["eed"]},
    )
    made = source(task("groups", "faq.jsonl"), rows=2, negatives=1, mined=1, steps=60)
    negatives = {frozenset((first, second)) for first, second, label in rows_of(made.draw()["0-groups"]) if not label}
    assert {"aab", "aba"} in negatives
    assert {"dde", "eed"} in negatives
    assert not any({"aaa", "ddd"} <= pair for pair in negatives)


def test_nothing_is_encoded_where_nothing_is_mined(source, tmp_path, write_faq):
    write_faq(tmp_path / "faq.jsonl")
    made = source(task("groups", "faq.jsonl"), mined=0)
    assert len(rows_of(made.draw()["0-groups"])) == 80
    assert made.encode.asked == []


@pytest.mark.usefixtures("pairs")
def test_labels_of_pairs_are_yes_or_no_and_of_graded_pairs_a_probability(source):
    drawn = source(task("pairs", "pairs.tsv"), task("graded", "pairs.tsv"), steps=60).draw()
    label_of = {f"a{n}": n % 5 for n in range(40)}
    for first, _, label in rows_of(drawn["0-pairs"]):
        assert label == (label_of[first] >= 2)
    for first, _, label in rows_of(drawn["1-graded"]):
        assert label == pytest.approx(label_of[first] / 4)


def test_pairs_stand_in_the_order_in_which_they_are_served(source, tmp_path, write_rows):
    rows = [f"z{n}\ta{n}\t{n % 2}" for n in range(40)]
    write_rows(tmp_path / "pairs.tsv", "text_a\ttext_b\tlabel", *rows)
    one = rows_of(source(task("pairs", "pairs.tsv")).draw()["0-pairs"])
    assert all(in_canonical_order(first, second) == (first, second) for first, second, _ in one)
    both = rows_of(source(task("pairs", "pairs.tsv"), in_random_order=True).draw()["0-pairs"])
    assert {first[0] for first, _, _ in both} == {"a", "z"}


def test_what_is_held_out_or_set_aside_is_drawn_by_no_task(source, tmp_path, write_rows, pairs):
    faq = [{"id": str(n), "question": f"q{n}", "similar": [f"r{n}", f"s{n}"]} for n in range(30)]
    write_rows(tmp_path / "faq.jsonl", *faq)
    write_rows(tmp_path / "held.jsonl", {"question": "Q3?"}, {"question": "a7"})
    made = source(
        task("groups", "faq.jsonl"),
        task("pairs", "pairs.tsv"),
        held_out=("held.jsonl",),
        development_share=0.2,
        steps=200,
    )
    aside = {text for group in made.development for text in chain.from_iterable(group.texts.values())}
    assert len(aside) > 10
    drawn = {
        text for first, second, _ in rows_of(chain.from_iterable(made.draw().values())) for text in (first, second)
    }
    assert {"q29", "r29", "a8"} & drawn
    assert not drawn & (aside | {"q3", "a7"})
    assert pairs.is_file()


@pytest.mark.parametrize(
    ("kind", "rows", "message"),
    [
        ("groups", 80, r"faq\.jsonl: 20 usable rows for the task groups, a batch needs 21"),
        ("pairs", 48, r"pairs\.tsv: 40 usable rows for the task pairs, a batch needs 48"),
    ],
)
@pytest.mark.usefixtures("pairs")
def test_too_few_rows_are_counted_and_named(source, tmp_path, write_faq, kind, rows, message):
    write_faq(tmp_path / "faq.jsonl", entries=20)
    file = "faq.jsonl" if kind == "groups" else "pairs.tsv"
    with pytest.raises(TrainingError, match=message):
        source(task(kind, file), rows=rows).draw()


def test_the_seed_decides_what_is_drawn(source, tmp_path, write_faq):
    write_faq(tmp_path / "faq.jsonl")

    def drawn(seed: int) -> str:
        return json.dumps([block.second for block in source(task("groups", "faq.jsonl"), seed=seed).draw()["0-groups"]])

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
