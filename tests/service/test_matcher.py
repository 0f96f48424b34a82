import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.dense import VectorIndex
from indexer.entry import Entry
from indexer.manifest import Manifest
from indexer.version import Version, list_phrasings
from models import normalise
from models.confidence import ConfidenceMap
from models.errors import EncodingError, RerankingError
from models.message import Message
from models.types import EncoderSpec, RerankerSpec, Role, Vectors
from service.errors import NoReranker
from service.matcher import MatchingModels, VersionMatcher
from service.matching import MatchOptions, MatchResult, Thresholds
from service.reranking import Reranking

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DIM = 16


def at(similarity: float, axis: int = 1) -> Vectors:
    """A unit vector that has this cosine to `at(1)`; another axis turns it another way."""
    vector = np.zeros(DIM, np.float32)
    vector[0], vector[axis] = similarity, math.sqrt(1 - similarity**2)
    return vector


class ChosenVectors:
    """Encodes each text as the vector chosen for it, and remembers what it was asked. A token is a word."""

    def __init__(self, chosen: dict[str, Vectors]) -> None:
        self.spec = EncoderSpec(
            name="chosen",
            digest="c" * 64,
            dim=DIM,
            pooling="mean",
            max_tokens=32,
            languages=("en",),
            prefixes={"question": "", "answer": ""},
        )
        self.chosen = chosen
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], role: Role = "question") -> Vectors:  # noqa: ARG002
        self.asked += texts
        return np.stack([self.chosen[text] for text in texts])

    def count_overflow(self, text: str, role: Role = "question") -> int:  # noqa: ARG002
        return max(0, len(text.split()) - self.spec.max_tokens)


CONFIDENCE = ConfidenceMap(
    encoder="c" * 64, intercept=-8, similarity_slope=12, margin_slope=4, background=0.1, fitted_on="chosen by hand"
)


def version_of(entries: Sequence[Entry], encoder) -> Version:
    phrasings = tuple(list_phrasings(entries))
    index = VectorIndex.build(encoder.encode([phrasing.text for phrasing in phrasings]))
    manifest = Manifest(
        version="20260601T120000000000-01234567",
        kb="demo",
        created=NOON.isoformat(),
        encoder=encoder.spec,
        index=index.spec,
        normaliser_version=normalise.NORMALISER_VERSION,
        entries=len(entries),
        phrasings=len(phrasings),
        revision=0,
        sha256={},
    )
    return Version(directory=Path(), manifest=manifest, entries=tuple(entries), phrasings=phrasings, index=index)


class Asking:
    """A matcher over some entries, and the encoder behind it."""

    def __init__(self, entries: Sequence[Entry], chosen: dict[str, Vectors], **options) -> None:
        self.encoder = ChosenVectors(chosen)
        judges = {name: options.pop(name) for name in ("interaction", "reranking") if name in options}
        models = MatchingModels(encoder=self.encoder, confidence=CONFIDENCE, **judges)
        options = {"thresholds": Thresholds(), "now": lambda: NOON, **options}
        self.matcher = VersionMatcher(version_of(entries, self.encoder), models, **options)
        self.encoder.asked.clear()

    def __call__(self, question: str, **options) -> MatchResult:
        return self.matcher.match(question, MatchOptions(**options))


def ids(result: MatchResult) -> list[str]:
    return [match.entry.id for match in result.matches]


RESET = Entry(id="reset", question="How do I reset my password?", similar=("怎么重设密码",), answer="Open Settings.")
PARCEL = Entry(id="parcel", question="Where is my parcel?", answer="On its way.", tags=("delivery",))
INVOICE = Entry(id="invoice", question="May I have an invoice?", answer="Write to us.", tags=("money",))
VECTORS = {
    "How do I reset my password?": at(1),
    "怎么重设密码": at(0.7, axis=2),
    "Where is my parcel?": at(0.5, axis=3),
    "May I have an invoice?": at(0.2, axis=4),
    "pass word gone": at(0.95),
    "what is the meaning of life": at(0, axis=5),
}


@pytest.fixture
def asking() -> Asking:
    return Asking([RESET, PARCEL, INVOICE], VECTORS)


@pytest.mark.parametrize(
    "question",
    [
        "How do I reset my password?",
        "how do i RESET my password",
        "  How do I\treset my password !! ",
        "Ｈｏｗ　ｄｏ　Ｉ　ｒｅｓｅｔ　ｍｙ　ｐａｓｓｗｏｒｄ？",
        "how do i reset my pass\u200bword",
        "怎么重设密码？",
        "怎麼重設密碼",
    ],
)
def test_an_equal_key_is_certain_and_asks_no_encoder(asking, question):
    result = asking(question)
    assert (result.decision, result.answer, result.confidence) == ("answer", "Open Settings.", 1.0)
    [match] = result.matches
    assert (match.entry, match.match_type, match.similarity, match.confidence) == (RESET, "exact", None, 1.0)
    assert asking.encoder.asked == []
    assert "encode" not in result.timings_ms
    assert result.timings_ms["total"] > 0


def test_an_exact_match_tells_which_phrasing_it_was(asking):
    assert asking("怎麼重設密碼？").matches[0].matched_phrasing == "怎么重设密码"


def test_a_paraphrase_is_answered_by_the_nearest_phrasing(asking):
    result = asking("pass word gone")
    assert (result.decision, result.answer) == ("answer", "Open Settings.")
    best = result.matches[0]
    assert (best.match_type, best.matched_phrasing) == ("dense", "How do I reset my password?")
    assert best.similarity == pytest.approx(0.95, abs=1e-6)
    runner_up = result.matches[1].similarity
    assert result.confidence == pytest.approx(1 / (1 + math.exp(8 - 12 * 0.95 - 4 * (0.95 - runner_up))))
    assert result.confidence == best.confidence
    assert ids(result) == ["reset", "parcel", "invoice"]


def test_a_result_names_what_it_was_made_with(asking):
    result = asking("pass word gone")
    assert result.version == "20260601T120000000000-01234567"
    assert result.model == "chosen@cccccccccccc"
    assert result.calibration == CONFIDENCE.label
    assert result.timings_ms.keys() == {"normalise", "encode", "retrieve", "total"}


def test_the_encoder_sees_the_text_form(asking):
    asking.encoder.chosen["怎么登录"] = at(0.3)
    asking("  怎麼登錄 ")
    assert asking.encoder.asked == ["怎么登录"]


@pytest.mark.parametrize("top", [1, 5])
def test_one_key_with_two_answers_is_offered_never_answered(top):
    other = Entry(id="other", question="how do I reset my password", answer="Call us.")
    asking = Asking([RESET, other], VECTORS | {"how do I reset my password": at(1)})
    result = asking("How do I reset my password?", top=top, thresholds=Thresholds(answer=0, clarify=0))
    assert (result.decision, result.answer, result.confidence) == ("clarify", None, 0.5)
    assert ids(result) == ["reset", "other"][:top]
    assert all(match.confidence == 0.5 for match in result.matches)


def test_one_key_with_two_answers_of_which_one_is_off_is_answered():
    other = Entry(id="other", question="how do I reset my password", answer="Call us.", enabled=False)
    asking = Asking([RESET, other], VECTORS | {"how do I reset my password": at(1)})
    assert asking("How do I reset my password?").answer == "Open Settings."


def test_an_entry_of_three_hundred_phrasings_leaves_room_for_the_others():
    many = tuple(f"wording {number}" for number in range(300))
    crowd = Entry(id="crowd", question="wording", similar=many, answer="A")
    others = [Entry(id=f"other-{number}", question=f"another {number}", answer="B") for number in range(6)]
    chosen = {text: at(0.9 + number / 10_000) for number, text in enumerate(("wording", *many))}
    chosen |= {other.question: at(0.5 - number / 20) for number, other in enumerate(others)}
    result = Asking([*others, crowd], chosen | {"asked": at(1)})("asked", top=5)
    assert ids(result) == ["crowd", "other-0", "other-1", "other-2", "other-3"]
    assert result.matches[0].matched_phrasing == "wording 299"
    assert [match.similarity for match in result.matches] == pytest.approx([0.93, 0.5, 0.45, 0.4, 0.35], abs=1e-6)


def test_the_one_entry_of_ten_thousand_that_carries_a_tag_is_always_found():
    random = np.random.default_rng(1).normal(size=(10_000, DIM)).astype(np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    entries = [
        Entry(id=str(number), question=f"question {number}", answer="A", tags=("rare",) if number == 7_654 else ())
        for number in range(10_000)
    ]
    chosen = {entry.question: vector for entry, vector in zip(entries, random, strict=True)}
    asking = Asking(entries, chosen | {"asked": -random[7_654]})
    result = asking("asked", tags=("rare",))
    assert ids(result) == ["7654"]
    assert result.matches[0].similarity == pytest.approx(-1, abs=1e-6)
    assert "7654" not in ids(asking("asked", top=100))


def test_an_entry_with_any_of_the_tags_may_answer_and_no_other(asking):
    assert ids(asking("pass word gone", tags=("delivery", "money"))) == ["parcel", "invoice"]
    assert ids(asking("pass word gone", tags=("money", "no such tag"))) == ["invoice"]
    assert ids(asking("How do I reset my password?", tags=("money",))) == ["invoice"]


def test_where_no_entry_may_answer_the_question_is_rejected_with_the_reason():
    asking = Asking([RESET, PARCEL], VECTORS, default_answer="Ask a colleague.")
    result = asking("pass word gone", tags=("no such tag",), explain=True)
    assert (result.decision, result.answer, result.confidence) == ("reject", "Ask a colleague.", 0.0)
    assert result.matches == ()
    assert "none carries the tags, is enabled and is valid now" in result.explain["reason"]


@pytest.mark.parametrize(
    ("state", "live"),
    [
        ({"enabled": False}, False),
        ({"valid_until": NOON - HOUR}, False),
        ({"valid_until": NOON}, False),
        ({"valid_until": NOON + HOUR}, True),
        ({"valid_from": NOON + HOUR}, False),
        ({"valid_from": NOON}, True),
        ({"valid_from": NOON - HOUR, "valid_until": NOON + HOUR}, True),
    ],
)
@pytest.mark.parametrize("tags", [(), ("account",)])
@pytest.mark.parametrize("question", ["How do I reset my password?", "pass word gone"])
def test_an_entry_answers_only_while_it_is_live(state, live, question, tags):
    reset = Entry(id="reset", question=RESET.question, answer="Open Settings.", tags=("account",), **state)
    result = Asking([reset, PARCEL], VECTORS)(question, tags=tags)
    assert reset.is_live(NOON) is live
    assert ("reset" in ids(result)) is live
    assert (result.answer == "Open Settings.") is live


def test_an_entry_comes_and_goes_while_the_version_stays():
    clock = [NOON]
    reset = Entry(id="reset", question=RESET.question, answer="A", valid_from=NOON + HOUR, valid_until=NOON + 2 * HOUR)
    asking = Asking([reset], VECTORS, now=lambda: clock[0])
    seen = []
    for _ in range(3):
        seen.append(asking("pass word gone").decision)
        clock[0] += HOUR
    assert seen == ["reject", "answer", "reject"]


def test_thresholds_include_their_own_value_and_those_of_a_request_go_first(asking):
    exactly = asking("pass word gone").confidence
    above = math.nextafter(exactly, 2)

    def decide(**thresholds: float) -> str:
        return asking("pass word gone", thresholds=Thresholds(**thresholds)).decision

    assert 0.9 < exactly < 1
    assert decide(answer=exactly, clarify=0) == "answer"
    assert decide(answer=above, clarify=exactly) == "clarify"
    assert decide(answer=above, clarify=above) == "reject"


def test_the_knowledge_bases_own_thresholds_hold_where_a_request_brings_none():
    strict = Asking([RESET, PARCEL], VECTORS, thresholds=Thresholds(answer=1, clarify=0.9), default_answer="?")
    result = strict("pass word gone")
    assert (result.decision, result.answer, result.thresholds) == ("clarify", None, Thresholds(answer=1, clarify=0.9))
    assert strict("pass word gone", thresholds=Thresholds()).decision == "answer"
    assert strict("How do I reset my password?").decision == "answer"


@pytest.mark.parametrize("default_answer", [None, "Ask a colleague."])
def test_a_rejected_question_gets_the_default_answer_and_shows_what_was_rejected(default_answer):
    result = Asking([RESET, PARCEL], VECTORS, default_answer=default_answer)("what is the meaning of life")
    assert (result.decision, result.answer) == ("reject", default_answer)
    assert result.confidence == result.matches[0].confidence < 0.4
    assert len(result.matches) == 2


def test_more_candidates_than_there_are_entries_gives_each_once(asking):
    assert sorted(ids(asking("pass word gone", top=100))) == ["invoice", "parcel", "reset"]


def test_how_many_candidates_are_wanted_changes_no_confidence(asking):
    one, all_of_them = asking("pass word gone", top=1), asking("pass word gone", top=3)
    assert ids(one) == ["reset"]
    assert one.confidence == all_of_them.confidence


@pytest.mark.parametrize("question", ["How do I reset my password?", "pass word gone"])
def test_an_entry_without_an_answer_is_answered_with_none(question):
    silent = Entry(id="silent", question="How do I reset my password?", answer=None)
    result = Asking([silent], VECTORS, default_answer="never this one")(question)
    assert (result.decision, result.answer, ids(result)) == ("answer", None, ["silent"])


def test_a_question_longer_than_the_encoder_reads_says_so():
    long, short = " ".join(["word"] * 40), " ".join(["word"] * 32)
    asking = Asking([RESET], VECTORS | {long: at(0.9), short: at(0.9)})
    cut = asking(long)
    assert cut.degraded
    assert cut.notices == ("the question is longer than the encoder reads: after 32 tokens, 8 were left out",)
    whole = asking(short)
    assert (whole.degraded, whole.notices) == (False, ())


def test_the_way_to_an_answer_is_explained_when_asked_for(asking):
    assert asking("pass word gone").explain is None
    explained = asking("  pass word\tgone ", explain=True).explain
    assert explained["text"] == explained["key"] == "pass word gone"
    assert explained["exact"] is False
    assert explained["runner_up"] == "parcel"
    best, second = asking("pass word gone").matches[:2]
    assert explained["margin"] == pytest.approx(best.similarity - second.similarity)


@pytest.mark.parametrize(
    ("question", "thresholds", "reason"),
    [
        ("How do I reset my password?", None, "the key of a phrasing is equal"),
        ("pass word gone", Thresholds(answer=0.5, clarify=0.5), "reaches the answer threshold 0.5"),
        ("pass word gone", Thresholds(answer=1, clarify=0.5), "lies between the thresholds 0.5 and 1"),
        ("pass word gone", Thresholds(answer=1, clarify=1), "is below the clarify threshold 1"),
    ],
)
def test_each_decision_gives_its_reason(asking, question, thresholds, reason):
    assert reason in asking(question, thresholds=thresholds, explain=True).explain["reason"]


def test_two_entries_with_one_key_give_their_reason():
    other = Entry(id="other", question="how do I reset my password", answer="Call us.")
    asking = Asking([RESET, other], VECTORS | {"how do I reset my password": at(1)})
    explained = asking("How do I reset my password?", explain=True).explain
    assert (explained["exact"], explained["reason"]) == (True, "several entries hold this very question")


class ChosenRelevances:
    """Judges each candidate as it was told to, another one as irrelevant, and remembers what it was asked."""

    def __init__(self, chosen: dict[str, float], languages: tuple[str, ...] = ("en",)) -> None:
        self.spec = RerankerSpec(
            name="judge",
            digest="d" * 64,
            max_tokens=50,
            languages=languages,
            temperature=1.0,
            both_directions=False,
        )
        self.chosen = chosen
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def relevance(self, query, candidates):
        self.asked.append((query, tuple(candidates)))
        return np.array([self.chosen.get(candidate, 0.0) for candidate in candidates], np.float32)

    def is_cut(self, query, candidate):
        return len(query.split()) + len(candidate.split()) > self.spec.max_tokens


class HalfTheCosine:
    """An interaction head that says what it is made of, and remembers whom it was asked about."""

    label = "interaction@0123456789ab"

    def affinities(self, query, candidates):
        self.asked = query, candidates
        return (candidates @ query / 2).astype(np.float32)


def numbered_entries(count: int) -> tuple[list[Entry], dict[str, Vectors]]:
    """Entries 0, 1 ... of falling similarity to `asked`."""
    entries = [
        Entry(id=str(number), question=f"question {number}", answer=f"answer {number}") for number in range(count)
    ]
    vectors = {entry.question: at(0.9 - number / 50) for number, entry in enumerate(entries)}
    return entries, vectors | {"asked": at(1)}


def test_the_head_of_the_list_is_ordered_by_relevance_which_is_its_confidence():
    judge = ChosenRelevances({"Where is my parcel?": 0.75, "How do I reset my password?": 0.25})
    asking = Asking([RESET, PARCEL, INVOICE], VECTORS, reranking=Reranking(reranker=judge))
    result = asking("pass word gone", rerank="on", thresholds=Thresholds(answer=0.7, clarify=0.4))
    assert judge.asked == [
        ("pass word gone", ("How do I reset my password?", "Where is my parcel?", "May I have an invoice?"))
    ]
    assert ids(result) == ["parcel", "reset", "invoice"]
    assert [match.relevance for match in result.matches] == [0.75, 0.25, 0.0]
    assert [match.confidence for match in result.matches] == [0.75, 0.25, 0.0]
    assert result.matches[1].similarity == pytest.approx(0.95, abs=1e-6)
    assert (result.decision, result.answer, result.confidence) == ("answer", "On its way.", 0.75)
    assert (result.reranked, result.calibration) == (3, "relevance@dddddddddddd")
    assert (result.degraded, result.notices) == (False, ())
    assert list(result.timings_ms) == ["normalise", "encode", "retrieve", "rerank", "total"]


def test_the_reranker_sees_normal_forms_and_the_best_phrasing_of_each_entry():
    judge = ChosenRelevances({}, languages=("zh", "en"))
    entry = Entry(id="reset", question="How do I reset my password?", similar=("怎麼 重設密碼",), answer="A")
    chosen = VECTORS | {"怎么 重设密码": at(0.9), "怎么登录": at(0.95)}
    Asking([entry], chosen, reranking=Reranking(reranker=judge))(" 怎麼登錄", rerank="on")
    assert judge.asked == [("怎么登录", ("怎么 重设密码",))]


@pytest.mark.parametrize("top", [1, 5, 10, 20])
def test_ten_candidates_are_judged_however_many_are_wanted(top):
    entries, vectors = numbered_entries(20)
    judge = ChosenRelevances({f"question {number}": number / 10 + 0.05 for number in range(10)})
    result = Asking(entries, vectors, reranking=Reranking(reranker=judge))("asked", rerank="on", top=top)
    assert judge.asked == [("asked", tuple(f"question {number}" for number in range(10)))]
    assert ids(result) == [*map(str, range(9, -1, -1)), *map(str, range(10, 20))][:top]
    assert result.reranked == 10
    assert result.confidence == pytest.approx(0.95)


@pytest.mark.parametrize(("least", "cut"), [(0.25, True), (0.5, False)])
def test_those_behind_keep_their_order_and_are_never_surer_than_the_last_that_was_judged(least, cut):
    entries, vectors = numbered_entries(12)
    judge = ChosenRelevances({f"question {number}": least + number / 100 for number in range(10)})
    own = [match.confidence for match in Asking(entries, vectors)("asked", top=12).matches[10:]]
    assert 0.25 < own[1] < own[0] < 0.5
    result = Asking(entries, vectors, reranking=Reranking(reranker=judge))("asked", rerank="on", top=12)
    behind = result.matches[10:]
    assert [(match.entry.id, match.relevance) for match in behind] == [("10", None), ("11", None)]
    assert [match.confidence for match in behind] == ([0.25, 0.25] if cut else own)
    confidences = [match.confidence for match in result.matches]
    assert confidences == sorted(confidences, reverse=True)


@pytest.mark.parametrize("rerank", ["off", "auto"])
def test_a_reranker_that_is_not_asked_for_changes_nothing(rerank):
    judge = ChosenRelevances({"Where is my parcel?": 1.0})
    result = Asking([RESET, PARCEL, INVOICE], VECTORS, reranking=Reranking(reranker=judge))(
        "pass word gone", rerank=rerank
    )
    assert judge.asked == []
    assert (ids(result)[0], result.reranked, result.calibration) == ("reset", 0, CONFIDENCE.label)
    assert all(match.relevance is None for match in result.matches)
    assert "rerank" not in result.timings_ms


def test_an_equal_key_and_an_empty_list_are_not_reranked():
    judge = ChosenRelevances({})
    asking = Asking([RESET, PARCEL], VECTORS, reranking=Reranking(reranker=judge))
    exact = asking("how do i reset my password", rerank="on")
    assert (exact.decision, exact.confidence, exact.reranked) == ("answer", 1.0, 0)
    assert (exact.matches[0].relevance, exact.calibration) == (None, CONFIDENCE.label)
    nothing = asking("pass word gone", rerank="on", tags=("no such tag",))
    assert (nothing.decision, nothing.reranked, nothing.degraded) == ("reject", 0, False)
    assert judge.asked == []


def test_a_reranker_that_fails_leaves_the_order_of_similarity_and_says_so():
    class Failing(ChosenRelevances):
        def relevance(self, query, candidates):  # noqa: ARG002
            raise RerankingError(Message("judge: gave nan for {query!r}", query=query))

    result = Asking([RESET, PARCEL, INVOICE], VECTORS, reranking=Reranking(reranker=Failing({})))(
        "pass word gone", rerank="on"
    )
    plain = Asking([RESET, PARCEL, INVOICE], VECTORS)("pass word gone")
    assert result.matches == plain.matches
    assert (result.decision, result.answer) == ("answer", "Open Settings.")
    assert (result.reranked, result.calibration, result.degraded) == (0, CONFIDENCE.label, True)
    assert result.notices == (
        "the reranker judge@dddddddddddd failed on this question: the order is that of similarity",
    )


def test_a_reranker_that_could_not_be_loaded_degrades_only_who_asks_for_it():
    broken = Reranking(problem=Message("judge/model.onnx: was changed or damaged"))
    asking = Asking([RESET, PARCEL], VECTORS, reranking=broken)
    result = asking("pass word gone", rerank="on")
    assert (ids(result), result.reranked, result.degraded) == (["reset", "parcel"], 0, True)
    assert result.notices == ("the reranker cannot be used, /readyz says why: the order is that of similarity",)
    assert asking("pass word gone", rerank="auto").degraded is False
    assert asking("How do I reset my password?", rerank="on").degraded is False


@pytest.mark.parametrize("question", ["pass word gone", "How do I reset my password?"])
def test_without_a_reranker_to_ask_for_one_is_refused_whatever_is_asked(asking, question):
    with pytest.raises(
        NoReranker, match=r"started without a reranker: ask with rerank auto or off, or name a reranker"
    ):
        asking(question, rerank="on")


def test_a_reranker_of_other_languages_than_the_encoder_is_none():
    judge = ChosenRelevances({}, languages=("zh", "de"))
    asking = Asking([RESET], VECTORS, reranking=Reranking(reranker=judge))
    with pytest.raises(
        NoReranker, match=r"judge@dddddddddddd reads zh, de, the encoder of this knowledge base en: ask"
    ):
        asking("pass word gone", rerank="on")


def test_a_pair_that_is_longer_than_the_reranker_reads_says_so():
    wordy = Entry(id="wordy", question=" ".join(["word"] * 30), answer="A")
    short, long = " ".join(["some"] * 20), " ".join(["some"] * 21)
    chosen = {wordy.question: at(0.9), short: at(1), long: at(1)}
    judge = ChosenRelevances({wordy.question: 0.9})
    asking = Asking([wordy], chosen, reranking=Reranking(reranker=judge))
    cut = asking(long, rerank="on")
    assert (cut.reranked, cut.confidence, cut.degraded) == (1, pytest.approx(0.9), True)
    assert "after 50 tokens, the rest of the longer one was left out" in cut.notices[0]
    assert asking(short, rerank="on").notices == ()


def test_every_dense_match_carries_the_affinity_of_its_own_vector_and_keeps_its_place():
    head = HalfTheCosine()
    result = Asking([RESET, PARCEL, INVOICE], VECTORS, interaction=head)("pass word gone")
    assert ids(result) == ["reset", "parcel", "invoice"]
    for match in result.matches:
        assert match.affinity == pytest.approx(match.similarity / 2, abs=1e-6)
    query, candidates = head.asked
    np.testing.assert_array_equal(query, VECTORS["pass word gone"])
    np.testing.assert_array_equal(candidates, np.stack([VECTORS[match.matched_phrasing] for match in result.matches]))
    assert list(result.timings_ms) == ["normalise", "encode", "retrieve", "interaction", "total"]
    plain = Asking([RESET, PARCEL, INVOICE], VECTORS)("pass word gone")
    assert [match.confidence for match in result.matches] == [match.confidence for match in plain.matches]


def test_affinity_stays_with_its_entry_when_the_reranker_moves_it():
    judge = ChosenRelevances({"Where is my parcel?": 0.9})
    asking = Asking([RESET, PARCEL], VECTORS, interaction=HalfTheCosine(), reranking=Reranking(reranker=judge))
    result = asking("pass word gone", rerank="on")
    assert ids(result) == ["parcel", "reset"]
    for match in result.matches:
        assert match.affinity == pytest.approx(match.similarity / 2, abs=1e-6)


def test_an_exact_match_has_no_affinity_and_no_candidate_needs_no_head():
    asking = Asking([RESET], VECTORS, interaction=HalfTheCosine())
    assert asking("How do I reset my password?").matches[0].affinity is None
    assert asking("pass word gone", tags=("no such tag",)).matches == ()


def test_a_network_that_fails_is_not_taken_for_a_rejection(asking):
    def fail(_texts: Sequence[str], _role: Role = "question") -> Vectors:
        raise EncodingError("chosen: gave a vector of length nan")

    asking.encoder.encode = fail
    with pytest.raises(EncodingError):
        asking("pass word gone")


@pytest.fixture(scope="session")
def real_matcher(encoder, confidence) -> VersionMatcher:
    """The shipped encoder over three entries."""
    models = MatchingModels(encoder=encoder, confidence=confidence)
    return VersionMatcher(version_of([RESET, PARCEL, INVOICE], encoder), models, Thresholds())


@settings(max_examples=100, deadline=None)
@given(question=st.text(min_size=1, max_size=300), top=st.integers(1, 5))
def test_whatever_is_asked_every_number_keeps_its_range_and_order(real_matcher, encoder, question, top):
    result = real_matcher.match(question, MatchOptions(top=top))
    confidences = [match.confidence for match in result.matches]
    assert len(confidences) == min(top, 3)
    assert all(0 <= confidence <= 1 for confidence in confidences)  # false for NaN
    assert confidences == sorted(confidences, reverse=True)
    assert result.confidence == confidences[0]
    assert all(-1 <= match.similarity <= 1 for match in result.matches)
    assert result.decision == (
        "answer" if result.confidence >= 0.8 else "clarify" if result.confidence >= 0.4 else "reject"
    )
    assert result.degraded is (encoder.count_overflow(normalise.text(question)) > 0)


def test_a_real_question_of_a_thousand_characters_is_matched_by_its_beginning(real_matcher):
    result = real_matcher.match("How can I reset my password? " + "lorem ipsum " * 80, MatchOptions())
    assert result.degraded
    assert ids(result)[0] == "reset"
    assert "after 256 tokens" in result.notices[0]


def test_what_the_prefix_pushes_over_the_limit_is_noticed_too(real_matcher, encoder):
    question = "鑫猫" * 127
    assert len(question) < encoder.spec.max_tokens
    assert real_matcher.match(question, MatchOptions()).degraded
