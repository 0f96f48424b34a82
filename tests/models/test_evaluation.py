import json

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, P, Success
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from models.errors import EvaluationError
from models.evaluation import (
    RetrievalSet,
    evaluate_pairs,
    evaluate_retrieval,
    hold_out_one_text,
    read_retrieval_set,
)


def lookup(vectors):
    """An encoder of texts that are the names of their rows."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return lambda texts: unit[[int(text) for text in texts]].astype(np.float32)


@pytest.fixture
def random_set():
    """60 groups of one to four texts, 300 queries with one or two right groups, 40 of them with none."""
    random = np.random.default_rng(5)
    sizes = random.integers(1, 5, 60)
    texts = int(sizes.sum())
    relevant = [frozenset(random.choice(60, random.integers(1, 3), replace=False).tolist()) for _ in range(300)]
    relevant[::8] = [frozenset()] * len(relevant[::8])
    data = RetrievalSet(
        name="random",
        texts=tuple(str(number) for number in range(texts)),
        group_of_text=np.repeat(np.arange(60), sizes),
        queries=tuple(str(number) for number in range(texts, texts + 300)),
        relevant=tuple(relevant),
    )
    return data, random.normal(size=(texts + 300, 6))


def test_rank_measures_agree_with_ir_measures(random_set):
    data, vectors = random_set
    scores = evaluate_retrieval(lookup(vectors), data)
    similarities = lookup(vectors)(data.queries) @ lookup(vectors)(data.texts).T
    run, judged = [], []
    for query, right in enumerate(data.relevant):
        if not right:
            continue
        judged += [ir_measures.Qrel(str(query), str(group), 1) for group in right]
        for group in range(60):
            best = float(similarities[query][data.group_of_text == group].max())
            run.append(ir_measures.ScoredDoc(str(query), str(group), best))
    reference = ir_measures.calc_aggregate([P @ 1, RR @ 10, Success @ 10, Success @ 3], judged, run)
    assert scores.precision_at_1() == pytest.approx(reference[P @ 1])
    assert scores.reciprocal_rank_at(10) == pytest.approx(reference[RR @ 10])
    assert scores.reciprocal_ranks_at(10).mean() == pytest.approx(reference[RR @ 10])
    assert len(scores.reciprocal_ranks_at(10)) == len(scores.in_scope) == sum(map(bool, data.relevant))
    assert scores.hit_at(10) == pytest.approx(reference[Success @ 10])
    assert scores.hit_at(3) == pytest.approx(reference[Success @ 3])


def test_best_and_margin_are_those_of_groups(random_set):
    data, vectors = random_set
    scores = evaluate_retrieval(lookup(vectors), data)
    similarities = lookup(vectors)(data.queries) @ lookup(vectors)(data.texts).T
    by_group = np.stack([similarities[:, data.group_of_text == group].max(axis=1) for group in range(60)], axis=1)
    ordered = -np.sort(-by_group, axis=1)
    np.testing.assert_allclose(scores.best, ordered[:, 0], atol=1e-6)
    np.testing.assert_allclose(scores.margin, ordered[:, 0] - ordered[:, 1], atol=1e-6)


def test_out_of_scope_queries_have_rank_0_and_count_nowhere():
    data = RetrievalSet(
        name="",
        texts=("0", "1"),
        group_of_text=np.array([0, 1]),
        queries=("0", "1"),
        relevant=(frozenset([0]), frozenset()),
    )
    scores = evaluate_retrieval(lookup(np.eye(2)), data)
    assert scores.rank.tolist() == [1, 0]
    assert scores.precision_at_1() == 1


def test_a_group_that_is_as_near_does_not_push_the_right_one_down():
    data = RetrievalSet(
        name="", texts=("0", "1", "2"), group_of_text=np.arange(3), queries=("0",), relevant=(frozenset([1]),)
    )
    assert evaluate_retrieval(lookup(np.array([[1, 0], [1, 0], [0, 1.0]])), data).rank.tolist() == [1]


@given(
    st.lists(
        st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75]), st.sampled_from([0.0, 0.2, 0.5, 0.6, 1.0])),
        min_size=3,
        max_size=40,
    ).filter(lambda pairs: any(label > 0.5 for _, label in pairs) and len({s for s, _ in pairs}) > 1)
)
def test_pair_measures_agree_with_scikit_learn_and_scipy_with_ties(pairs):
    similarity = np.array([s for s, _ in pairs], np.float32)
    label = np.array([y for _, y in pairs])
    if len(set(label)) == 1:
        return
    scores = evaluate_pairs(similarity, label)
    assert scores.average_precision == pytest.approx(average_precision_score(label > 0.5, similarity))
    assert scores.spearman == pytest.approx(spearmanr(similarity, label).statistic)
    best = max(((similarity >= threshold) == (label > 0.5)).mean() for threshold in set(similarity.tolist()))
    assert scores.best_threshold_accuracy == pytest.approx(best)


@pytest.mark.parametrize(("similarity", "threshold"), [([0.9, 0.6, 0.4, 0.1], 0.4), ([0.9, 0.4, 0.4, 0.1], 0.4)])
def test_the_threshold_is_the_lowest_similarity_that_counts_as_the_same(similarity, threshold):
    similarity, label = np.array(similarity, np.float32), np.array([1.0, 0.0, 1.0, 0.0])
    scores = evaluate_pairs(similarity, np.array([1.0, 1.0, 1.0, 0.0]))
    assert scores.threshold == pytest.approx(threshold)
    assert scores.best_threshold_accuracy == 1
    scores = evaluate_pairs(similarity, label)
    assert ((similarity >= scores.threshold) == (label > 0.5)).mean() == scores.best_threshold_accuracy == 0.75


def test_similarities_that_are_all_equal_correlate_with_nothing():
    scores = evaluate_pairs(np.full(4, 0.5, np.float32), np.array([1.0, 0.0, 0.0, 0.0]))
    assert (scores.spearman, scores.average_precision, scores.best_threshold_accuracy) == (0, 0.25, 0.25)


def test_pair_measures_do_not_depend_on_the_order_of_the_pairs():
    random = np.random.default_rng(2)
    similarity = np.round(random.normal(size=500), 1).astype(np.float32)
    label = (random.random(500) < 0.4).astype(np.float64)
    order = random.permutation(500)
    one, other = evaluate_pairs(similarity, label), evaluate_pairs(similarity[order], label[order])
    assert vars(one) == pytest.approx(vars(other))


def test_a_retrieval_set_is_read_from_its_folder(tmp_path):
    rows = [{"id": "a", "question": "A?", "similar": ["AA?"]}, {"id": 7, "question": "B?"}]
    (tmp_path / "faq.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    queries = [{"query": "a", "relevant": ["a", "gone"]}, {"query": "b", "faq_id": 7}, {"query": "c", "relevant": []}]
    (tmp_path / "queries.dev.jsonl").write_text("\n".join(map(json.dumps, queries)), encoding="utf-8")
    data = read_retrieval_set(tmp_path)
    assert data.texts == ("A?", "AA?", "B?")
    assert data.group_of_text.tolist() == [0, 0, 1]
    assert data.queries == ("a", "b", "c")
    assert data.relevant == (frozenset([0]), frozenset([1]), frozenset())
    (tmp_path / "queries.jsonl").write_text(json.dumps(queries[2]), encoding="utf-8")
    assert read_retrieval_set(tmp_path).queries == ("c",)


GROUP = '{"id": 1, "question": "A?"}'
QUERY = '{"query": "a", "relevant": [1]}'


@pytest.mark.parametrize(
    "row",
    [
        "",
        "{",
        "[]",
        '{"id": 1}',
        '{"question": "A?"}',
        '{"id": 1, "question": 5}',
        '{"id": 1, "question": "A?", "similar": "AA?"}',
        '{"id": 1, "question": "A?", "similar": [5]}',
        '{"id": 1, "question": "\\ud800"}',
    ],
)
def test_a_row_of_a_faq_that_cannot_be_used_is_named(tmp_path, row):
    (tmp_path / "faq.jsonl").write_text(f"{GROUP}\n{row}\n{GROUP}\n")
    (tmp_path / "queries.jsonl").write_text(QUERY)
    with pytest.raises(EvaluationError) as refused:
        read_retrieval_set(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / 'faq.jsonl'}, row 2: is not an object with id, question and, where there are other phrasings, "
        "their list similar"
    )


@pytest.mark.parametrize(
    "row", ["{}", '{"query": "a"}', '{"query": "a", "relevant": "1"}', '{"relevant": [1]}', "\xff"]
)
def test_a_query_that_cannot_be_used_is_named(tmp_path, row):
    (tmp_path / "faq.jsonl").write_text(GROUP)
    (tmp_path / "queries.jsonl").write_bytes(f"{QUERY}\n{row}".encode("latin-1"))
    with pytest.raises(EvaluationError) as refused:
        read_retrieval_set(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path / 'queries.jsonl'}, row 2: is not an object with query and relevant, the list of the ids that are "
        "right"
    )


def test_the_last_phrasing_of_each_group_is_held_out(tmp_path):
    rows = [{"question": "A?", "similar": ["AA?", "AAA?"]}, {"question": "B?", "similar": []}]
    (tmp_path / "faq.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = hold_out_one_text(tmp_path / "faq.jsonl")
    assert data.name == f"{tmp_path.name}/faq.jsonl, one phrasing held out"
    assert (data.texts, data.queries, data.relevant) == (("A?", "AA?", "B?"), ("AAA?",), (frozenset([0]),))
    assert data.group_of_text.tolist() == [0, 0, 1]
