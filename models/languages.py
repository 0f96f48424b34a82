"""Which language a text is in, as far as an encoder is chosen by it."""

import re
from typing import Final

_HAN: Final = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def holds_chinese(text: str) -> bool:
    """Say whether there is even one Chinese character in a text; punctuation of full width is none."""
    return _HAN.search(text) is not None
