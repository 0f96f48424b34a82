import re
from string import Formatter
from typing import get_args

import pytest

from service import console_page, console_texts, errors
from service.console_texts import LANGUAGES, TEXTS, choose_language, text
from service.matching import Decision, MatchType
from service.problems import INTERNAL, PROBLEM_TYPES, VALIDATION

TEMPLATES = "".join(path.read_text() for path in console_page.STATIC.with_name("templates").iterdir())
CHINESE = re.compile("[\u4e00-\u9fff]")


def placeholders(written: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(written) if name is not None}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_every_text_is_there_in_both_languages_and_fills_in_the_same(key):
    english, chinese = TEXTS[key]
    assert english.strip()
    assert CHINESE.search(chinese)
    assert not CHINESE.search(english)
    assert placeholders(english) == placeholders(chinese)


def used_keys() -> set[str]:
    named = set(re.findall(r't\("([a-z_]+)"[,)]', TEMPLATES)) | {"language_name"}
    named |= {"stored_answer", "default_answer", "ask", "open"}
    named |= {f"decision_{decision}" for decision in get_args(Decision)}
    named |= {f"means_{decision}" for decision in get_args(Decision)}
    named |= {"means_exact", "means_conflict", "means_nothing"}
    named |= {f"match_type_{match_type}" for match_type in get_args(MatchType)}
    named |= {f"stage_{stage}" for stage in ("normalise", "encode", "retrieve", "interaction", "rerank", "total")}
    named |= {"similarity", "affinity", "relevance", "confidence"}
    slugs = [kind.slug for kind in (*PROBLEM_TYPES.values(), VALIDATION, INTERNAL)]
    return named | {f"error_{slug.replace('-', '_')}" for slug in (*slugs, "blank", "too-long")}


def test_every_text_that_is_used_exists_and_none_is_left_over():
    assert used_keys() == set(TEXTS)


def test_every_refusal_has_words_that_need_no_more_than_is_known():
    for kind in errors.Refusal.__subclasses__():
        slug = PROBLEM_TYPES[kind].slug.replace("-", "_")
        for language in LANGUAGES:
            assert text(f"error_{slug}", language, kb="demo")


def test_a_text_is_filled_in_and_what_fills_it_is_left_alone():
    assert text("error_forbidden", "en", kb="{0} {kb}") == "The API key is not for the knowledge base “{0} {kb}”."


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("zh", "en", "zh"),
        ("en", "zh", "en"),
        (None, "", "en"),
        (None, "fr-FR, de;q=0.5, *;q=0.1", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "ZH-Hant-TW", "zh"),
        (None, "en;q=0.5, zh;q=0.7", "zh"),
        (None, "en-GB,zh;q=0.9", "en"),
        (None, "fr, zh ; q=0.2", "zh"),
        (None, "zh;q=0", "en"),
        (None, "zh;q=nonsense,;;,=", "en"),
        ("fr", "zh", "zh"),
        ("", "zh", "zh"),
    ],
)
def test_the_language_is_asked_for_or_negotiated(asked, accepted, language):
    assert choose_language(asked, accepted) == language


def test_each_language_has_its_html_name():
    assert set(console_texts.HTML_LANGUAGES) == set(LANGUAGES)
