import html
import itertools
import re
from typing import get_args

import pytest

from service.console_page import STATIC, Page, anchor, curl_line, number, percent, render, stages, threshold
from service.console_texts import LANGUAGES
from service.matching import Decision, MatchType
from service.replies import MatchReply, QueryReply, ThresholdsReply

CONFIDENCE = {"answer": 0.97, "clarify": 0.55, "reject": 0.12}
STYLE = (STATIC / "console.css").read_text()


def a_match(**fields) -> MatchReply:
    given = {"id": "e", "question": "q", "matched_phrasing": "p", "match_type": "dense", "answer": "a"}
    evidence = {"similarity": -0.5, "affinity": 0.91, "relevance": None, "confidence": 0.55}
    return MatchReply(**given | evidence | {"tags": ["one", "two"], "metadata": {}} | fields)


def a_reply(decision: Decision, **fields) -> QueryReply:
    given = {
        "decision": decision,
        "answer": "stored" if decision == "answer" else None,
        "confidence": CONFIDENCE[decision],
        "matches": [a_match()],
        "thresholds": ThresholdsReply(answer=0.8, clarify=0.4),
        "calibration": "default@1f0c",
        "version": "20261124T101502-3f2a",
        "model": "fake@0123456789ab",
        "reranked": 0,
        "degraded": False,
        "notices": [],
        "timings_ms": {"encode": 3.0, "retrieve": 0.25, "total": 4.0},
        "request_id": "r",
        "explain": None,
    }
    return QueryReply(**given | fields)


def page_of(reply: QueryReply, language="en") -> str:
    page = Page(language=language, needs_key=False, knowledge_bases=[], kb="demo", question="q", reply=reply, curl="c")
    return html.unescape(render(page))


@pytest.mark.parametrize(
    ("decision", "language", "badge", "sentence"),
    [
        ("answer", "en", "Answer", "confidence 0.9700 reaches the answer threshold of 0.8."),
        (
            "clarify",
            "en",
            "Clarify",
            "0.5500 is below the answer threshold of 0.8, but reaches the clarify threshold of 0.4",
        ),
        ("reject", "en", "Reject", "confidence 0.1200 is below the clarify threshold of 0.4."),
        ("answer", "zh", "直接回答", "置信度 0.9700 达到回答阈值 0.8。"),
        ("clarify", "zh", "需要澄清", "置信度 0.5500 低于回答阈值 0.8，但达到澄清阈值 0.4。"),
        ("reject", "zh", "不予回答", "置信度 0.1200 低于澄清阈值 0.4。"),
    ],
)
def test_a_decision_is_told_in_a_sentence_that_names_its_threshold(decision, language, badge, sentence):
    page = page_of(a_reply(decision), language)
    assert f'id="decision">{badge}<' in page
    assert sentence in page
    assert f"<title>{badge} · faqmatch · demo</title>" in page


@pytest.mark.parametrize(
    ("decision", "match_types", "sentence"),
    [
        ("answer", ["exact", "dense"], "It equals a phrasing of this entry: confidence 0.9700 reaches"),
        ("clarify", ["exact", "exact"], "Several entries hold this very question"),
        ("reject", [], "No entry may answer"),
        ("reject", ["exact"], "0.1200 is below the clarify threshold"),
    ],
)
def test_what_no_threshold_decided_is_not_put_down_to_one(decision, match_types, sentence):
    matches = [a_match(match_type=match_type) for match_type in match_types]
    assert sentence in page_of(a_reply(decision, matches=matches))


def test_a_reject_shows_the_default_answer_as_such_or_says_that_there_is_none():
    assert "Default answer of the knowledge base" in page_of(a_reply("reject", answer="Call us."))
    assert "This knowledge base has no default answer." in page_of(a_reply("reject"))


def test_a_clarify_shows_no_answer_but_those_of_its_candidates():
    page = page_of(a_reply("clarify", matches=[a_match(answer="first"), a_match(answer="second")]))
    assert 'id="answer"' not in page
    assert re.findall(r'<div class="verbatim" dir="auto">(.*?)</div>', page) == ["first", "second"]


def test_white_space_of_an_answer_is_kept():
    answer = "\n  one\n\n\ttwo  \n"
    assert f'id="answer" dir="auto">{answer}</div>' in page_of(a_reply("answer", answer=answer))
    assert re.search(r"\.verbatim \{ white-space: pre-wrap; \}", STYLE)


@pytest.mark.parametrize(
    ("decision", "match_type", "language"), [*itertools.product(get_args(Decision), get_args(MatchType), LANGUAGES)]
)
def test_every_reply_there_can_be_is_drawn(decision, match_type, language):
    notices = {"degraded": True, "notices": ["first notice", "second notice"]}
    page = page_of(a_reply(decision, matches=[a_match(match_type=match_type)], **notices), language)
    assert "first notice" in page
    assert "second notice" in page
    assert "{" not in page


def test_a_reply_without_matches_says_so():
    assert "No entry was brought back." in page_of(a_reply("reject", matches=[]))


def test_the_bar_is_as_long_as_the_confidence_and_marks_both_thresholds():
    page = page_of(a_reply("clarify"))
    assert 'class="fill" y="22" width="55.00%"' in page
    assert re.findall(r'<line x1="(\S+)" x2="(\S+)"', page) == [("80.00%", "80.00%"), ("40.00%", "40.00%")]


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "–"), (0.79999, "0.7999"), (0.57, "0.5700"), (1.0, "1.0000"), (1e-06, "0.0000"), (-0.12345, "-0.1234")],
)
def test_a_number_is_cut_so_that_it_never_looks_more_than_it_is(value, written):
    assert number(value) == written


def test_a_threshold_shows_all_its_digits_and_no_more():
    assert [threshold(value) for value in (0.8, 0.812345, 1.0)] == ["0.8", "0.812345", "1"]


def test_a_label_of_the_bar_stays_on_the_bar():
    assert [anchor(value) for value in (0.0, 0.5, 0.8, 1.0)] == ["start", "middle", "middle", "end"]
    assert percent(0.98765) == "98.77%"


def test_the_stages_come_in_order_with_those_of_later_versions_before_the_total():
    timed = {"total": 9.0, "novel": 2.0, "retrieve": 0.5, "encode": 3.0}
    assert list(stages(timed)) == [
        ("normalise", None),
        ("encode", 3.0),
        ("retrieve", 0.5),
        ("interaction", None),
        ("rerank", None),
        ("novel", 2.0),
        ("total", 9.0),
    ]
    assert "<dt>novel</dt>" in page_of(a_reply("answer", timings_ms=timed))


def test_the_curl_line_leaves_the_key_to_the_shell():
    line = curl_line("http://127.0.0.1:8080/", "demo", "忘记密码", with_key=True)
    assert line == (
        "curl -sS http://127.0.0.1:8080/v1/kbs/demo/query \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "Authorization: Bearer $FAQMATCH_KEY" \\\n'
        """  --data-raw '{"question": "忘记密码"}'"""
    )


def test_what_is_not_visible_is_written_as_an_escape():
    line = curl_line("http://h", "a/b 知", "x\u202ey\u2028z\n😀", with_key=False)
    assert "http://h/v1/kbs/a%2Fb%20%E7%9F%A5/query" in line
    assert r'"x\u202ey\u2028z\n😀"' in line
    assert "Authorization" not in line


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_all_that_is_written_has_the_contrast_of_wcag_aa(scheme):
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", STYLE.split(":root {")[1 + scheme]))
    texts = [(text, back) for text in ("ink", "soft", "accent") for back in ("page", "card")] + [
        ("ink", "track"),
        ("on-accent", "accent"),
        *((decision, "card") for decision in get_args(Decision)),
        *(("on-badge", decision) for decision in get_args(Decision)),
    ]
    for text, back in texts:
        assert contrast(colours[text], colours[back]) >= 4.5, (text, back)
    assert contrast(colours["field"], colours["card"]) >= 3


def test_the_page_stays_small():
    assert len(STYLE.splitlines()) < 200
    assert len((STATIC / "console.js").read_text().splitlines()) < 30
