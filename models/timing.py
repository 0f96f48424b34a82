"""How long one call takes, for the cards of models."""

import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def median_milliseconds(call: Callable[[Item], object], items: Sequence[Item], repeats: int = 100) -> float:
    """Call with one item after the other, round and round, and give the median time of a call."""
    taken = []
    for item in islice(cycle(items), repeats):
        begin = time.perf_counter()
        call(item)
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken)) * 1000
