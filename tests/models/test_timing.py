import time

from models.timing import median_milliseconds


def test_every_item_is_called_in_turn_as_often_as_asked():
    seen = []
    assert median_milliseconds(seen.append, ["a", "b"], repeats=5) >= 0
    assert seen == ["a", "b", "a", "b", "a"]


def test_a_few_slow_calls_do_not_move_the_median():
    assert 5 <= median_milliseconds(time.sleep, [0.005, 0.005, 0.05], repeats=9) < 50
