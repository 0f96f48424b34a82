from dataclasses import replace

import numpy as np
import pytest

from models.directory import DEFAULT_MODEL, find_model, open_directory
from models.errors import RerankingError
from models.message import Message
from models.reranker import OnnxReranker
from service.errors import NoReranker
from service.reranking import MOST_RERANKED, Reranking

ENCODER = open_directory(find_model(DEFAULT_MODEL)).spec
QUESTION = "i forgot my pass word"
CANDIDATES = ("How do I reset my password?", "Where is my parcel?", "怎么开发票?")


@pytest.fixture(scope="module")
def reranker(random_reranker) -> OnnxReranker:
    return OnnxReranker.open(random_reranker)


@pytest.fixture
def reranking(reranker) -> Reranking:
    return Reranking(reranker=reranker)


def test_a_query_is_judged_by_the_reranker(reranking, reranker):
    judged = reranking.judge(QUESTION, CANDIDATES)
    np.testing.assert_array_equal(judged.relevances, reranker.relevance(QUESTION, CANDIDATES))
    assert len(set(judged.relevances.tolist())) == 3
    assert judged.notice is None


def test_only_the_first_candidates_are_judged(reranking, reranker):
    many = [f"question {number}" for number in range(MOST_RERANKED + 5)]
    judged = reranking.judge(QUESTION, many)
    np.testing.assert_array_equal(judged.relevances, reranker.relevance(QUESTION, many[:MOST_RERANKED]))


def test_it_is_named_by_the_reranker_and_so_is_what_its_probabilities_come_from(reranking, reranker):
    digits = reranker.spec.digest[:12]
    assert (reranking.label, reranking.calibration) == (f"random-reranker@{digits}", f"relevance@{digits}")
    assert (Reranking().label, Reranking().calibration) == (None, None)


def test_what_is_cut_is_noticed_and_judged_all_the_same(reranking):
    judged = reranking.judge("word " * 30, CANDIDATES)
    assert len(judged.relevances) == 3
    assert "longer together than the reranker reads: after 96 tokens" in judged.notice


def test_where_the_network_fails_nothing_is_judged_and_no_text_is_told(reranker):
    class Failing:
        spec = reranker.spec

        def relevance(self, query, candidates):
            raise RerankingError(Message("{query} and {candidate}", query=query, candidate=candidates[0]))

    judged = Reranking(reranker=Failing()).judge(QUESTION, CANDIDATES)
    assert len(judged.relevances) == 0
    assert judged.notice.startswith(f"the reranker {reranker.spec.label} failed on this question")
    assert QUESTION not in judged.notice


def test_a_reranker_that_cannot_be_used_is_a_notice_and_none_at_all_a_refusal():
    broken = Reranking(problem=Message("it is damaged"))
    broken.require()
    judged = broken.judge(QUESTION, CANDIDATES)
    assert (len(judged.relevances), "/readyz says why" in judged.notice) == (0, True)
    with pytest.raises(NoReranker, match=r"^no reranker is part of this release: ask with rerank auto or off"):
        Reranking(absence=Message("no reranker is part of this release")).require()


@pytest.mark.parametrize(("languages", "served"), [(("en",), True), (("en", "zh"), True), (("en", "de"), False)])
def test_it_serves_the_encoders_whose_languages_it_reads(reranking, languages, served):
    limited = reranking.for_questions_of(replace(ENCODER, languages=languages))
    assert (limited is reranking) is served
    assert (limited.label is not None) is served


def test_no_reranker_and_a_broken_one_are_the_same_for_every_encoder():
    for reranking in (Reranking(), Reranking(problem=Message("it is damaged"))):
        assert reranking.for_questions_of(ENCODER) is reranking
