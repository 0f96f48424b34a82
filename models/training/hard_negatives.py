"""Hard negatives: texts of other meanings that an encoder takes for a text (ANCE, arXiv:2007.00808, mined once)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.evaluation import Encode
from models.normalise import key
from models.training.texts import Group

_CHUNK = 512  # texts compared with all others at a time

Nearest = Mapping[tuple[int, str], Mapping[str, tuple[str, ...]]]
"""By the place of a group and one of its texts: the nearest texts of other groups in each language, nearest first."""


def nearest_of_other_meaning(groups: Sequence[Group], encode: Encode, count: int) -> Nearest:
    """Give for each text the `count` nearest texts in each language that do not mean the same.

    What stands in the same group means the same, and what has the key of a text of the same group.
    """
    places = [(place, language, text) for place, group in enumerate(groups) for language, text in _texts(group)]
    group_of = np.array([place for place, _, _ in places])
    vectors = encode([text for _, _, text in places])
    doubles = _doubles(places)
    nearest: dict[tuple[int, str], dict[str, tuple[str, ...]]] = {(place, text): {} for place, _, text in places}
    for language in sorted({language for _, language, _ in places}):
        columns = np.array([row for row, (_, other, _) in enumerate(places) if other == language])
        for begin in range(0, len(places), _CHUNK):
            chunk = slice(begin, begin + _CHUNK)
            similarities = vectors[chunk] @ vectors[columns].T
            similarities[group_of[chunk, None] == group_of[None, columns]] = -np.inf
            for column in np.flatnonzero(np.isin(columns, [*doubles])):
                similarities[np.isin(group_of[chunk], doubles[int(columns[column])]), column] = -np.inf
            for row, best in enumerate(_best_first(similarities, count), begin):
                place, _, text = places[row]
                nearest[place, text][language] = tuple(places[columns[column]][2] for column in best)
    return nearest


def _texts(group: Group) -> list[tuple[str, str]]:
    return [(language, text) for language, members in group.texts.items() for text in members]


def _doubles(places: Sequence[tuple[int, str, str]]) -> dict[int, list[int]]:
    """Give the groups of each row whose key stands in several."""
    groups_of: dict[str, set[int]] = {}
    for place, _, text in places:
        groups_of.setdefault(key(text), set()).add(place)
    shared = {row: sorted(groups_of[key(text)]) for row, (_, _, text) in enumerate(places)}
    return {row: groups for row, groups in shared.items() if len(groups) > 1}


def _best_first(similarities: NDArray[np.float32], count: int) -> list[NDArray[np.int64]]:
    best = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
    return [row[similarities[number, row] > -np.inf] for number, row in enumerate(best)]
