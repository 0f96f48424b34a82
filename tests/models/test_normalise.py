from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models import normalise

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
COMBINING = st.characters(categories=["Mn", "Mc", "Me", "Cf", "Cc"])
SIGNS = st.sampled_from(" \t\u3000.,:'’`?!。，、+#%$@/-·~()《》１２12aZßİΐſ\u0345\u200b\u200d\ufeff")
QUESTIONS = st.text(st.one_of(HAN, COMBINING, SIGNS, st.characters(exclude_categories=["Cs"])), max_size=30)


@given(QUESTIONS)
@example("薴")
@example("乾縣")
@example("¨ ͅΐ")
@example("1.'2")
def test_a_normal_form_is_its_own_normal_form(question):
    text, key = normalise.text(question), normalise.key(question)
    assert normalise.text(text) == text
    assert normalise.key(key) == key
    assert normalise.key(text) == key


@given(QUESTIONS)
def test_a_normal_form_holds_one_space_between_words_and_nothing_that_cannot_be_seen(question):
    text = normalise.text(question)
    assert text == " ".join(text.split())
    assert not set(text) & set("\u200b\u200d\ufeff\0\n\t\u3000")


@given(QUESTIONS)
def test_only_what_cannot_be_seen_has_an_empty_key(question):
    assert bool(normalise.key(question)) == bool(normalise.text(question))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Ｈｏｗ　ｄｏ　Ｉ　ｐａｙ？", "How do I pay?"),  # full width
        ("如何重設密碼", "如何重设密码"),  # traditional
        ("乾隆年間的乾燥機", "乾隆年间的干燥机"),  # by phrases, not by characters alone
        ("  two\t\nlines\r\n", "two lines"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("nul\0byte", "nul byte"),
        ("cafe\u0301", "café"),
        ("ﬁle №5 ①", "file No5 1"),
        ("Keep My Case", "Keep My Case"),
        ("", ""),
        (" \u200b ", ""),
    ],
)
def test_what_is_encoded(question, text):
    assert normalise.text(question) == text


@pytest.mark.parametrize(
    ("question", "same"),
    [
        ("How do I reset my password?", "how do i reset my password"),
        ("I can't pay", "i cant pay"),
        ("I can’t pay", "I can't pay!"),
        ("“Where” is (my) parcel...", "where is my parcel"),
        ("怎么 重置 密码？", "怎么重置密码"),
        ("怎麼重置密碼", "怎么重置密码。"),
        ("我的 iPhone 坏了", "我的iphone坏了"),
        ("Ｃ＋＋", "c++"),
        ("STRASSE", "straße"),
        ("Version 1.5, please", "version 1.5 please"),
        ("at 10:30.", "At 10:30"),
        ("costs 1,000?", "costs 1,000"),
        ("乾縣", "乾县"),
        ("see also: this", "see also this"),
    ],
)
def test_two_spellings_of_one_question_share_a_key(question, same):
    assert normalise.key(question) == normalise.key(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C++", "C#"),
        ("C++", "C"),
        ("version 1.5", "version 15"),
        ("version 1.5", "version 1 5"),
        ("50%", "50"),
        ("$5", "5"),
        ("24/7", "247"),
        ("?", "!"),
        ("t-shirt", "t shirt"),
        ("10:30", "1030"),
        ("@home", "home"),
        ("怎么付款", "怎么退款"),
    ],
)
def test_signs_that_tell_two_questions_apart_stay(one, other):
    assert normalise.key(one) != normalise.key(other)


def test_normal_forms_may_be_asked_for_by_many_threads():
    questions = [f"第{number}個問題：Ｈｏｗ do I pay?" for number in range(500)]
    alone = [normalise.key(question) for question in questions]
    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(normalise.key, questions)) == alone
