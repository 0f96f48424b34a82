"""Fitting the confidence map of an encoder on labelled development sets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.confidence import ConfidenceMap
from models.errors import CheckpointError
from models.evaluation import RetrievalScores, RetrievalSet
from models.message import Message

_NO_PENALTY = 1e6


def fit_confidence(encoder: str, runs: Sequence[tuple[RetrievalSet, RetrievalScores]]) -> ConfidenceMap:
    """Fit on each query's best group: was it the right one? Each set weighs the same, whatever its size.

    A slope that comes out negative (a set too small or too easy) is held at 0, so that the map stays monotone.
    CheckpointError where nothing can be learnt, because all queries or none found their group.
    """
    background = min(float(np.quantile(scores.best - scores.margin, 0.01)) for _, scores in runs)
    features = np.concatenate([_features(scores, background) for _, scores in runs])
    right = np.concatenate([scores.rank == 1 for _, scores in runs])
    if right.all():
        raise CheckpointError(
            Message(
                "confidence cannot be fitted: every query of the development sets finds its group: "
                "add queries that have none, and queries that are hard"
            )
        )
    if not right.any():
        raise CheckpointError(
            Message(
                "confidence cannot be fitted: no query of the development sets finds its group: "
                "add queries that have none, and queries that are hard"
            )
        )
    weight = np.concatenate([np.full(len(scores.rank), 1 / len(scores.rank)) for _, scores in runs]) * len(right)
    share = float(np.average(right, weights=weight))
    intercept, slopes, used = float(np.log(share / (1 - share))), np.zeros(2), [0, 1]
    while used:
        model = LogisticRegression(C=_NO_PENALTY, max_iter=1000).fit(features[:, used], right, sample_weight=weight)
        kept = [column for column, slope in zip(used, model.coef_[0], strict=True) if slope >= 0]
        if kept == used:
            intercept, slopes[used] = float(model.intercept_[0]), model.coef_[0]
            break
        used = kept
    return ConfidenceMap(
        encoder=encoder,
        intercept=intercept,
        similarity_slope=float(slopes[0]),
        margin_slope=float(slopes[1]),
        background=background,
        fitted_on=", ".join(data.name for data, _ in runs),
    )


def _features(scores: RetrievalScores, background: float) -> NDArray[np.float64]:
    rival = np.maximum(scores.best - scores.margin, background)
    return np.stack([scores.best, scores.best - rival], axis=1).astype(np.float64)
