import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from models import normalise
from models.directory import DEFAULT_MODEL, find_model, open_directory, write_spec
from models.errors import EvaluationError, TrainingError
from models.evaluation import RetrievalSet, evaluate_pairs
from models.interaction import OnnxInteractionHead
from models.interaction_graph import InteractionWeights, build_interaction_graph
from models.training.texts import Pair
from service.commands.evaluate_model import (
    encode_with_progress,
    evaluate_model,
    judge_first_candidates,
    judge_pairs,
    judge_queries,
)

HEADER = "text_a\ttext_b\tlabel"
PAIRS = (
    ("How do I reset my password?", "I forgot my password", 1),
    ("How do I reset my password?", "Where is my parcel?", 0),
    ("怎麼開發票", "怎么开发票？", 1),
    ("怎么开发票", "Where is my parcel?", 0),
)
FAQ = (
    {"id": "reset", "question": "How do I reset my password?", "similar": ["I forgot my password"]},
    {"id": "parcel", "question": "Where is my parcel?"},
)
QUERIES = (
    {"query": "i forgot my pass word", "relevant": ["reset"]},
    {"query": "where's the parcel", "relevant": ["parcel"]},
    {"query": "tell me a joke", "relevant": []},
)


@pytest.fixture
def pairs(tmp_path):
    """Write a pair file."""

    def write(*rows: tuple[str, str, object]):
        file = tmp_path / "pairs.tsv"
        file.write_text("\n".join([HEADER, *("\t".join(map(str, row)) for row in rows)]) + "\n")
        return file

    return write


@pytest.fixture
def queries(tmp_path):
    """Write a folder of a small FAQ and queries to it."""

    def write(faq=FAQ, queries=QUERIES):
        folder = tmp_path / "set"
        folder.mkdir(exist_ok=True)
        for name, rows in (("faq.jsonl", faq), ("queries.jsonl", queries)):
            (folder / name).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return folder

    return write


# The measures


def test_pairs_are_judged_by_whatever_compares_them(tmp_path):
    labels = [1.0, 0.6, 0.0, 1.0, 0.4, 0.0] * 20
    pairs = [Pair(str(number), "", label) for number, label in enumerate(labels)]
    told = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.1] * 20, np.float32)
    found = judge_pairs(tmp_path, pairs, lambda asked: told[[int(pair.first) for pair in asked]])
    assert found.facts == {"rows": 120, "same": 60, "threshold": pytest.approx(0.8)}
    assert found.measures["best_threshold_accuracy"].value == pytest.approx(5 / 6)
    assert found.measures["average_precision"].value == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found.measures["spearman"].value == pytest.approx(spearmanr(told, labels).statistic)
    for interval in found.measures.values():
        assert interval.low < interval.value < interval.high
        assert interval.high - interval.low < 0.3
    assert found.summary.endswith(": 120 pairs, 60 of them mean the same; best threshold 0.8000")


def test_pairs_of_which_samples_define_no_measure_are_measured_all_the_same(tmp_path):
    pairs = [Pair("a", "", 1.0), Pair("b", "", 0.0)]
    found = judge_pairs(tmp_path, pairs, lambda asked: np.full(len(asked), 0.5, np.float32))
    assert {name: interval.value for name, interval in found.measures.items()} == {
        "best_threshold_accuracy": 0.5,
        "average_precision": 0.5,
        "spearman": 0,
    }


def test_queries_are_judged_by_the_rank_of_what_is_right(tmp_path):
    places = np.arange(12)
    data = RetrievalSet(
        name="",
        texts=tuple(map(str, places)),
        group_of_text=places,
        queries=("0", "0", "0", "0"),
        relevant=(frozenset({0}), frozenset({3}), frozenset({11}), frozenset()),
    )
    angles = places / 12
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)  # "0" is nearest to 0, then 1, 2
    found = judge_queries(tmp_path, data, lambda texts: vectors[list(map(int, texts))])
    assert found.facts == {"entries": 12, "phrasings": 12, "in_scope": 3, "out_of_scope": 1}
    assert {name: interval.value for name, interval in found.measures.items()} == pytest.approx(
        {"precision_at_1": 1 / 3, "mrr_at_10": (1 + 1 / 4) / 3, "hit_at_5": 2 / 3, "hit_at_10": 2 / 3}
    )


def test_a_text_is_encoded_once_in_its_normal_form(encoder):
    class Remembering:
        spec = encoder.spec

        def __init__(self):
            self.seen = []

        def encode(self, texts):
            self.seen += texts
            return encoder.encode(texts)

    remembering = Remembering()
    encode = encode_with_progress(remembering, ["怎麼退貨", "怎么退货", " a  b "])
    assert remembering.seen == ["怎么退货", "a b"]
    np.testing.assert_array_equal(encode(["a b", "怎麼退貨"]), encoder.encode(["a b", "怎么退货"]))
    assert len(remembering.seen) == 2


def test_affinity_orders_the_first_ten_candidates():
    class Backwards:
        label = "backwards"

        def affinities(self, query, candidates):
            return 1 - candidates @ query

    places = np.arange(12)
    data = RetrievalSet(
        name="",
        texts=tuple(map(str, places)),
        group_of_text=places,
        queries=("0", "0", "0", "0"),
        relevant=(frozenset({0}), frozenset({9}), frozenset({11}), frozenset()),
    )
    vectors = np.stack([np.cos(places / 12), np.sin(places / 12)], axis=1).astype(np.float32)
    found = judge_first_candidates(data, lambda texts: vectors[list(map(int, texts))], Backwards())
    assert found["precision_at_1"].value == pytest.approx(1 / 3)  # 9 is the farthest of the first ten


# The command


@pytest.fixture
def with_backward_head(tmp_path):
    """A copy of the shipped model, with a head whose affinity falls where the cosine rises."""
    shipped = open_directory(find_model(DEFAULT_MODEL))
    folder = tmp_path / "model"
    folder.mkdir()
    for name in shipped.sha256:
        (folder / name).symlink_to(shipped.file(name))
    width, dim = 2, shipped.spec.dim
    weights = InteractionWeights(
        hidden=np.zeros((width, dim), np.float32),
        hidden_bias=np.zeros(width, np.float32),
        output=np.zeros(width, np.float32),
        cosine_slope=-5.0,
        intercept=1.0,
        dim=dim,
    )
    graph = build_interaction_graph(weights, shipped.spec.digest)
    (folder / "interaction.onnx").write_bytes(graph.SerializeToString())
    write_spec(folder, shipped.spec)
    return folder


def test_what_a_head_gives_stands_beside_the_cosine_as_json(with_backward_head, pairs, queries, encoder, capsys):
    evaluate_model(str(with_backward_head), pairs(*PAIRS), queries(), 1, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["interaction"] == OnnxInteractionHead.open(open_directory(with_backward_head)).label
    first, second = (encoder.encode([normalise.text(pair[side]) for pair in PAIRS]) for side in (0, 1))
    expected = evaluate_pairs(-(first * second).sum(axis=1), np.array([float(pair[2]) for pair in PAIRS]))
    affinity = told["pairs"]["affinity"]
    assert affinity.keys() == {"best_threshold_accuracy", "average_precision", "spearman"}
    assert affinity["average_precision"]["value"] == pytest.approx(expected.average_precision)
    assert affinity["spearman"]["value"] == pytest.approx(-told["pairs"]["spearman"]["value"])
    assert told["queries"]["precision_at_1"]["value"] == 1
    assert told["queries"]["affinity"] == {"precision_at_1": {"value": 0, "low": 0, "high": 0}}


def test_what_a_head_gives_stands_beside_the_cosine_in_the_table(with_backward_head, queries, capsys):
    evaluate_model(str(with_backward_head), None, queries(), 1, as_json=False)
    said = capsys.readouterr().out
    assert OnnxInteractionHead.open(open_directory(with_backward_head)).label in said
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]
    assert rows[0] == ["P@1", "1.0000", "1.0000 .. 1.0000", "0.0000", "0.0000 .. 0.0000"]
    assert rows[1] == ["MRR@10", "1.0000", "1.0000 .. 1.0000", "", ""]


def test_the_numbers_of_both_sets_come_as_json(faqmatch, pairs, queries, encoder):
    files = ("--pairs", pairs(*PAIRS), "--queries", queries())
    ran = faqmatch("model", "evaluate", DEFAULT_MODEL, *files, "--json")
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    assert told["model"] == encoder.spec.label
    assert (told["pairs"]["rows"], told["pairs"]["same"]) == (4, 2)
    assert told["pairs"]["best_threshold_accuracy"] == {"value": 1, "low": 1, "high": 1}
    first, second = (encoder.encode([text])[0] for text in PAIRS[0][:2])
    assert told["pairs"]["threshold"] == pytest.approx(float(first @ second), abs=1e-6)
    assert told["pairs"]["average_precision"]["value"] == 1
    assert {name: told["queries"][name] for name in ("entries", "phrasings", "in_scope", "out_of_scope")} == {
        "entries": 2,
        "phrasings": 3,
        "in_scope": 2,
        "out_of_scope": 1,
    }
    for name in ("precision_at_1", "mrr_at_10", "hit_at_5", "hit_at_10"):
        assert told["queries"][name] == {"value": 1, "low": 1, "high": 1}
    assert ran.err.splitlines() == ["encode 0/8", "encode 8/8"]


def test_one_set_alone_is_shown_as_a_table_with_the_model(faqmatch, pairs, encoder):
    ran = faqmatch("model", "evaluate", find_model(DEFAULT_MODEL), "--pairs", pairs(*PAIRS))
    assert "pairs.tsv: 4 pairs, 2 of them mean the same; best threshold 0." in ran.out
    assert encoder.spec.label in ran.out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in ran.out.splitlines() if line.startswith("│")]
    assert rows[0] == ["accuracy at the best threshold", "1.0000", "1.0000 .. 1.0000"]
    assert [row[0] for row in rows] == ["accuracy at the best threshold", "average precision", "Spearman correlation"]


def test_without_labelled_texts_there_is_nothing_to_measure(faqmatch):
    assert faqmatch("model", "evaluate", DEFAULT_MODEL).mistake == (
        "nothing to measure: name labelled texts with --pairs or --queries"
    )


def test_a_mistake_in_a_labelled_set_is_one_line_that_names_the_row(faqmatch, pairs, queries, tmp_path):
    broken = pairs(*PAIRS, ("a", "b", "same"))
    assert faqmatch("model", "evaluate", DEFAULT_MODEL, "--pairs", broken).mistake == (
        f"{broken}, row 6: is not text_a, text_b and a number, by tabs"
    )
    folder = queries(queries=[*QUERIES, {"query": "x"}])
    assert faqmatch("model", "evaluate", DEFAULT_MODEL, "--queries", folder).mistake.startswith(
        f"{folder / 'queries.jsonl'}, row 4: is not an object with query and relevant"
    )
    assert faqmatch("model", "evaluate", DEFAULT_MODEL, "--queries", tmp_path / "none").mistake == (
        f"{tmp_path / 'none' / 'faq.jsonl'}: No such file or directory"
    )


@pytest.mark.parametrize("label", [0, 1])
def test_pairs_that_are_all_alike_are_refused(pairs, label):
    file = pairs(("a", "b", label), ("c", "d", label))
    with pytest.raises(EvaluationError, match="holds no pairs that mean the same, or none that do not"):
        evaluate_model("no model is looked for", file, None, 1, as_json=True)


def test_queries_that_cannot_be_judged_are_refused(queries):
    folder = queries(faq=FAQ[:1])
    with pytest.raises(EvaluationError, match="holds one entry alone: at least two are needed"):
        evaluate_model("no model is looked for", None, folder, 1, as_json=True)
    folder = queries(queries=[{"query": "x", "relevant": ["other"]}])
    with pytest.raises(EvaluationError, match=r"no query names an id that is in its faq\.jsonl"):
        evaluate_model("no model is looked for", None, folder, 1, as_json=True)


def test_a_broken_set_is_told_before_the_other_is_encoded(pairs, queries):
    with pytest.raises(TrainingError, match="row 2"):
        evaluate_model("no model is looked for", pairs(("a", "b", "x")), queries(), 1, as_json=True)
