"""The two normal forms of a question.

`text` is what is encoded, cached and trained on: NFKC, white space, traditional to simplified Chinese.
`key` is what exact match compares: `text` with case and sentence punctuation folded as well.
"""

import re
import unicodedata

import opencc

NORMALISER_VERSION = 1
"""Raised whenever `text` or `key` changes its result for any input: indexes built before must be rebuilt."""

_TO_SIMPLIFIED = opencc.OpenCC("t2s")
_SPACE = re.compile(r"\s+")

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_APOSTROPHE = re.compile(r"(?<=\w)['’`](?=\w)")
# Sentence punctuation only. Signs that tell two questions apart stay: C++, C#, 50%, $5, @home, 24/7, T-shirt, 1.5.
_PUNCTUATION = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)|[?!;\"'`´‘’“”«»()\[\]{}<>、。…·~～—–《》〈〉「」『』【】〔〕]")
_SPACE_BESIDE_HAN = re.compile(rf"(?<=[{_HAN}]) | (?=[{_HAN}])")


def text(question: str) -> str:
    """Give the form that is encoded: NFKC, one space for any white space, simplified Chinese characters."""
    visible = "".join(map(_visible, question)) if not question.isprintable() else question
    plain = _SPACE.sub(" ", unicodedata.normalize("NFKC", visible)).strip()
    # Twice, because a few results are themselves converted: 薴 to 苧 to 苎. So both spellings meet in one form.
    return str(_TO_SIMPLIFIED.convert(_TO_SIMPLIFIED.convert(plain)))


def key(question: str) -> str:
    """Give the form that exact match compares: `text`, case and sentence punctuation folded.

    A question of punctuation alone keeps its `text`, so that "?" and "!" stay two keys.
    """
    plain = text(question)
    folded = _PUNCTUATION.sub(" ", _APOSTROPHE.sub("", plain.casefold()))
    return _SPACE_BESIDE_HAN.sub("", _SPACE.sub(" ", folded).strip()) or plain


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # zero-width joiners, direction marks, soft hyphens, byte order marks
        return ""
    return " " if category == "Cc" else character
