"""Timing in turns: whatever else happens on the machine meets all variants alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")
Item = TypeVar("Item")


def take_turns(
    variants: Mapping[Key, Callable[[Item], object]], items: Sequence[Item], *, blocks: int, warm_up: int
) -> dict[Key, NDArray[np.float64]]:
    """Call each variant with each item, and give the milliseconds of each call, (len(items),).

    The items are dealt into `blocks`, no more than items; within a block each variant has all its items one after the
    other, another variant first each time. Before, each is called with the first `warm_up` items.
    """
    keys = list(variants)
    for key in keys:
        for item in items[:warm_up]:
            variants[key](item)
    taken: dict[Key, list[float]] = {key: [] for key in keys}
    for number, block in enumerate(np.array_split(np.arange(len(items)), blocks)):
        turn = number % len(keys)
        for key in (*keys[turn:], *keys[:turn]):
            for place in block:
                begin = time.perf_counter()
                variants[key](items[place])
                taken[key].append((time.perf_counter() - begin) * 1000)
    return {key: np.array(found) for key, found in taken.items()}
