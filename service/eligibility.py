"""Which entries may answer now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from indexer.entry import Entry


class Eligibility:
    """Which of a version's entries may answer: tags, enabled, validity window."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._count = len(entries)
        self._entries_of_tag: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(entries):
            for tag in entry.tags:
                self._entries_of_tag[tag].append(number)
        self._enabled = np.array([entry.enabled for entry in entries], bool)
        self._from = np.array([e.valid_from.timestamp() if e.valid_from else -np.inf for e in entries])
        self._until = np.array([e.valid_until.timestamp() if e.valid_until else np.inf for e in entries])
        self._always_all = bool(
            self._enabled.all() and np.isneginf(self._from).all() and np.isposinf(self._until).all()
        )

    def entries(self, tags: Sequence[str], now: datetime) -> NDArray[np.bool_] | None:
        """Give a mask over the entries, those that carry any of `tags` (none: all) and are live; None = all."""
        if not tags and self._always_all:
            return None
        moment = now.timestamp()
        allowed: NDArray[np.bool_] = self._enabled & (self._from <= moment) & (moment < self._until)
        if tags:
            tagged = np.zeros(self._count, bool)
            for tag in tags:
                tagged[self._entries_of_tag.get(tag, [])] = True
            allowed &= tagged
        return allowed
