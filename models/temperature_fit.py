"""Fitting the temperature of a reranker, so that its relevance is a probability (arXiv:1706.04599, section 4.2)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.errors import CheckpointError
from models.message import Message

LOWEST: Final = 0.1
HIGHEST: Final = 10.0
_NO_PENALTY: Final = 1e6


def fit_temperature(logits: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Give the temperature that makes sigmoid(logit / temperature) likeliest on labelled pairs, both (n,).

    It is held between LOWEST and HIGHEST, so that pairs that are too few or too easy give no certainty. CheckpointError
    where no temperature makes the logits a probability.
    """
    if right.all() or not right.any():
        raise CheckpointError(
            Message("the temperature cannot be fitted: the development pairs are all right, or all wrong")
        )
    model = LogisticRegression(C=_NO_PENALTY, fit_intercept=False, max_iter=1000).fit(logits[:, None], right)
    slope = float(model.coef_[0, 0])
    if slope <= 0:
        raise CheckpointError(
            Message("the temperature cannot be fitted: logits above 0 do not stand for right pairs, below 0 for wrong")
        )
    return float(np.clip(1 / slope, LOWEST, HIGHEST))
