from pathlib import Path

import pytest

from indexer.errors import KnowledgeBaseError
from indexer.kb_settings import KnowledgeBaseSettings, check_settings

FILE = Path("/srv/kbs/shop/kb.json")


def test_fields_that_are_left_out_have_the_defaults_of_faqmatch():
    assert check_settings(FILE, "shop", {}) == KnowledgeBaseSettings(name="shop")
    assert check_settings(FILE, "shop", {"name": "other", "answer_threshold": 1}) == KnowledgeBaseSettings(
        name="shop", answer_threshold=1
    )


@pytest.mark.parametrize("raw", [[], None, "name"])
def test_what_is_no_object_is_refused(raw):
    with pytest.raises(KnowledgeBaseError, match=f"{FILE}: must hold one JSON object"):
        check_settings(FILE, "shop", raw)


def test_the_wrong_field_is_named_in_every_language():
    with pytest.raises(KnowledgeBaseError) as caught:
        check_settings(FILE, "shop", {"answer_threshold": 2})
    assert str(caught.value) == f"{FILE}: answer_threshold must be a number from 0 to 1, or null"
    assert caught.value.message.translated(lambda _: "{field}（{file}）") == f"answer_threshold（{FILE}）"


def test_thresholds_in_the_wrong_order_are_named_with_their_values():
    with pytest.raises(KnowledgeBaseError, match=r"clarify_threshold 0\.9 is above answer_threshold 0\.5"):
        check_settings(FILE, "shop", {"answer_threshold": 0.5, "clarify_threshold": 0.9})
