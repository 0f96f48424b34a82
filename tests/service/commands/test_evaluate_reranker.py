import json

import numpy as np
import pytest

from models.directory import DEFAULT_MODEL
from models.errors import EvaluationError
from models.evaluation import RetrievalSet
from models.reranker import OnnxReranker
from models.reranking import first_candidates
from models.training.texts import Pair
from service.commands.evaluate_reranker import evaluate_reranker, judge_candidates, judge_reranking, relevance_of

PAIRS = (
    ("How do I reset my password?", "I forgot my password", 1),
    ("How do I reset my password?", "Where is my parcel?", 0),
    ("怎麼開發票", "怎么开发票？", 1),
    ("怎么开发票", "Where is my parcel?", 0),
)
FAQ = (
    {"id": "reset", "question": "How do I reset my password?", "similar": ["I forgot my password"]},
    {"id": "parcel", "question": "Where is my parcel?"},
    {"id": "invoice", "question": "怎麼開發票？"},
)
QUERIES = (
    {"query": "i forgot my pass word", "relevant": ["reset"]},
    {"query": "where's the parcel", "relevant": ["parcel"]},
    {"query": "發票", "relevant": ["invoice"]},
    {"query": "tell me a joke", "relevant": []},
)


class Equality:
    """Calls two texts the same that begin alike, and remembers who was compared with whom."""

    def __init__(self):
        self.asked = []

    def relevance(self, query, candidates):
        self.asked.append((query, *candidates))
        return np.array([float(query[0] == candidate[0]) for candidate in candidates], np.float32)


@pytest.fixture
def pairs(tmp_path):
    file = tmp_path / "pairs.tsv"
    file.write_text("text_a\ttext_b\tlabel\n" + "".join("\t".join(map(str, row)) + "\n" for row in PAIRS))
    return file


@pytest.fixture
def queries(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for name, rows in (("faq.jsonl", FAQ), ("queries.jsonl", QUERIES)):
        (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


# The measures


@pytest.mark.parametrize("threads", [1, 3])
def test_every_pair_gets_its_own_relevance_in_the_order_of_the_pairs(threads):
    pairs = [Pair(f"{number % 3}", f"{number % 2}", 0.0) for number in range(100)]
    found = relevance_of(Equality(), threads)(pairs)
    assert found.tolist() == [float(pair.first == pair.second) for pair in pairs]


def test_reranking_is_judged_beside_the_order_it_was_given():
    angles = {"a": 0.0, "b": 0.5, "a first": 0.4, "a second": 0.1, "b third": 0.6, "c none": 0.0}
    data = RetrievalSet(
        name="toy",
        texts=("a", "b"),
        group_of_text=np.arange(2),
        queries=("a first", "a second", "b third", "c none"),
        relevant=(frozenset({0}), frozenset({0}), frozenset({0}), frozenset()),
    )

    def encode(texts):
        values = [angles[text] for text in texts]
        return np.stack([np.cos(values), np.sin(values)], axis=1).astype(np.float32)

    candidates = first_candidates(encode, data, 10)
    reranker = Equality()
    relevance = judge_candidates(reranker, candidates, 2)
    assert sorted(reranker.asked) == [
        ("a first", "b", "a"),
        ("a second", "a", "b"),
        ("b third", "b", "a"),
        ("c none", "a", "b"),
    ]
    found = judge_reranking("set", data, candidates, relevance)
    assert found.facts == {"entries": 2, "phrasings": 2, "in_scope": 3, "out_of_scope": 1, "candidates": 2}
    values = {name: interval.value for name, interval in found.measures.items()}
    assert values == pytest.approx(
        {
            "precision_at_1_by_similarity": 1 / 3,
            "precision_at_1_by_relevance": 2 / 3,
            "precision_at_1_gain": 1 / 3,
        }
    )
    gain = found.measures["precision_at_1_gain"]
    assert (gain.low, gain.high) == (0, 1), "of three queries anything can be drawn, but no loss"
    assert found.summary == (
        "set: the first 2 of 2 entries judged for each of 3 queries in scope (1 out of scope are not counted)"
    )


# The command


def test_the_numbers_of_both_sets_come_as_json(faqmatch, random_reranker, pairs, queries, encoder):
    ran = faqmatch("model", "evaluate", random_reranker, "--pairs", pairs, "--queries", queries, "--json")
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    reranker = OnnxReranker.open(random_reranker)
    assert (told["model"], told["encoder"]) == (reranker.spec.label, encoder.spec.label)
    assert list(told) == ["model", "encoder", "pairs", "queries"]
    assert (told["pairs"]["rows"], told["pairs"]["same"]) == (4, 2)
    relevances = [
        float(reranker.relevance(first, [second])[0])
        for first, second in [
            ("How do I reset my password?", "I forgot my password"),
            ("How do I reset my password?", "Where is my parcel?"),
            ("怎么开发票", "怎么开发票?"),
            ("怎么开发票", "Where is my parcel?"),
        ]
    ]
    assert told["pairs"]["threshold"] in [pytest.approx(relevance) for relevance in relevances]
    best = max(
        np.mean([(relevance >= threshold) == label for relevance, (_, _, label) in zip(relevances, PAIRS, strict=True)])
        for threshold in relevances
    )
    assert told["pairs"]["best_threshold_accuracy"]["value"] == best
    asked = told["queries"]
    assert {name: asked[name] for name in ("entries", "phrasings", "in_scope", "out_of_scope", "candidates")} == {
        "entries": 3,
        "phrasings": 4,
        "in_scope": 3,
        "out_of_scope": 1,
        "candidates": 3,
    }
    texts = ["How do I reset my password?", "I forgot my password", "Where is my parcel?", "怎么开发票?"]
    assert asked["precision_at_1_by_similarity"]["value"] == 1
    right = 0
    for query, group in (("i forgot my pass word", (0, 1)), ("where's the parcel", (2,)), ("发票", (3,))):
        nearest = int((encoder.encode([query]) @ encoder.encode(texts).T)[0][:2].argmax())
        shown = [nearest, 2, 3]
        judged = reranker.relevance(query, [texts[place] for place in shown])
        right += shown[int(judged.argmax())] in group
    assert asked["precision_at_1_by_relevance"]["value"] == pytest.approx(right / 3)
    assert asked["precision_at_1_gain"]["value"] == pytest.approx(right / 3 - 1)


def test_the_numbers_are_shown_as_tables(faqmatch, random_reranker, pairs, queries):
    ran = faqmatch("model", "evaluate", random_reranker, "--queries", queries, "--encoder", DEFAULT_MODEL)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines() if line.startswith("│")]
    assert [row[0] for row in rows] == ["P@1 by similarity", "P@1 by relevance", "P@1, gain"]
    assert rows[0][1:] == ["1.0000", "1.0000 .. 1.0000"]
    assert "set: the first 3 of 3 entries judged for each of 3 queries in scope" in ran.out
    alone = faqmatch("model", "evaluate", random_reranker, "--pairs", pairs).out
    assert "average precision" in alone
    assert "P@1" not in alone


def test_an_encoder_takes_no_encoder(faqmatch, pairs):
    ran = faqmatch("model", "evaluate", DEFAULT_MODEL, "--pairs", pairs, "--encoder", DEFAULT_MODEL)
    assert ran.code == 2
    assert f"{DEFAULT_MODEL} is an encoder itself: --encoder is for rerankers" in ran.err


def test_nothing_to_measure_is_told_before_a_model_is_loaded():
    with pytest.raises(EvaluationError, match="nothing to measure"):
        evaluate_reranker("no model is looked for", None, None, DEFAULT_MODEL, 1, as_json=True)


def test_a_reranker_is_not_taken_for_an_encoder(faqmatch, random_reranker, queries):
    mistake = faqmatch("model", "evaluate", random_reranker, "--queries", queries, "--encoder", random_reranker).mistake
    assert "is that of a model of the kind reranker, not encoder" in mistake
