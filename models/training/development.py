"""The development metric: whether a held-out phrasing finds its meaning among the others."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from models.errors import TrainingError
from models.evaluation import RetrievalSet, evaluate_retrieval
from models.message import Message
from models.training.texts import Group
from models.types import Vectors


class DevelopmentMetric(SentenceEvaluator):
    """P@1 over groups that are not trained on, within each language and from each to the others."""

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sets = development_sets(groups)
        self.primary_metric = "p_at_1"

    def __call__(self, model: Any, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 (as the library calls it)
        """Give P@1 of each direction, and their mean as `p_at_1`."""

        def encode(texts: Sequence[str]) -> Vectors:
            vectors: Vectors = model.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False, prompt_name="query"
            )
            return vectors

        found: Mapping[str, float] = {
            name: evaluate_retrieval(encode, data).precision_at_1() for name, data in self._sets.items()
        }
        return {
            **{f"p_at_1_{name}": value for name, value in found.items()},
            "p_at_1": float(np.mean([*found.values()])),
        }


def development_sets(groups: Sequence[Group]) -> dict[str, RetrievalSet]:
    """Give a set for each language, and from each to the others, by name.

    Within a language all phrasings but the last are stored (but the last two where there are four and more), and
    these ask; across languages all are stored. Raises TrainingError where there are no two groups to tell apart.
    """
    languages = sorted({language for group in groups for language in group.texts})
    sets = {}
    for asking, stored in product(languages, repeat=2):
        known = [group for group in groups if {asking, stored} <= group.texts.keys()]
        if len(known) > 1:
            sets[f"{asking}-{stored}"] = _retrieval_set(known, asking, stored)
    if not sets:
        raise TrainingError(
            Message("the recipe leaves nothing to measure on: name domains, or a development_share of the data")
        )
    return sets


def _retrieval_set(groups: Sequence[Group], asking: str, stored: str) -> RetrievalSet:
    known = [(group.texts[asking], group.texts[stored]) for group in groups]
    asked = [texts[-2:] if len(texts) > 3 else texts[-1:] for texts, _ in known]
    kept = [texts[: -len(asks)] if asking == stored else texts for (_, texts), asks in zip(known, asked, strict=True)]
    return RetrievalSet(
        name=f"{asking}-{stored}",
        texts=tuple(text for texts in kept for text in texts),
        group_of_text=np.repeat(np.arange(len(kept)), [len(texts) for texts in kept]),
        queries=tuple(text for texts in asked for text in texts),
        relevant=tuple(frozenset([number]) for number, texts in enumerate(asked) for _ in texts),
    )
