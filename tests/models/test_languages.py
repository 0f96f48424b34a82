import pytest

from models.languages import holds_chinese


@pytest.mark.parametrize(
    "text", ["怎么开发票？", "How do I pay with 支付宝?", "㐀", "\U00020000", "豈", "⽤户", "一〇一"]
)
def test_one_chinese_character_is_enough(text):
    assert holds_chinese(text)


@pytest.mark.parametrize(
    "text",
    ["", "How do I pay?", "How do I pay？", "ＨＯＷ？！、。", "Où est mon colis ?", "カード", "한국어", "😀"],
)
def test_punctuation_of_full_width_and_other_scripts_are_no_chinese(text):
    assert not holds_chinese(text)
