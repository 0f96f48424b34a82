import pytest

from service.matching import Thresholds


@pytest.mark.parametrize(("clarify", "answer"), [(0.5, 0.4), (-0.1, 0.5), (0.5, 1.1), (float("nan"), 0.5)])
def test_thresholds_out_of_order_or_range_are_refused(clarify, answer):
    with pytest.raises(ValueError, match="0 <= clarify <= answer <= 1"):
        Thresholds(clarify=clarify, answer=answer)


def test_thresholds_may_be_equal_and_at_the_ends():
    assert Thresholds(clarify=0, answer=0) != Thresholds(clarify=0, answer=1)
