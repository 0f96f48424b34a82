"""The losses of the recipes that sentence-transformers does not have, and the log of all losses."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    kl_div,
    log_softmax,
    mse_loss,
    softmax,
)


class NeighbourhoodDistillation(nn.Module):
    """Make the student's similarities within a batch those of a teacher.

    KL divergence between the softmax over each text's similarities to the others (RKD, arXiv:1904.05068; the batch
    as its own queue, SEED, arXiv:2101.04731), plus `squared_error` times the mean squared difference of the
    similarities themselves. Of two temperatures the colder belongs to the side whose similarities crowd together: their
    distances from 1 are stretched by the ratio before they are compared, so that one text's neighbours stay comparable
    with another's.
    """

    def __init__(
        self, model: SentenceTransformer, *, temperature: float, teacher_temperature: float, squared_error: float
    ) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.teacher_temperature = teacher_temperature
        self.squared_error = squared_error

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """Give the loss of a block; `labels`, (rows, 2 * dim), are the teacher's vectors of both columns."""
        student = torch.cat([self.model(features)["sentence_embedding"] for features in sentence_features])
        student = nn.functional.normalize(student, dim=-1)
        first, second = labels.to(student.dtype).chunk(2, dim=1)
        taught = _without_self(torch.cat([first, second]))
        learnt = _without_self(student)
        divergence = kl_div(
            log_softmax(learnt / self.temperature, dim=1),
            softmax(taught / self.teacher_temperature, dim=1),
            reduction="batchmean",
        )
        if not self.squared_error:
            return divergence
        stretch = self.temperature / self.teacher_temperature
        return divergence + self.squared_error * mse_loss(learnt, 1 - stretch * (1 - taught))


class ListwiseLoss(nn.Module):
    """Binary cross-entropy of each pair, plus `weight` times that of the softmax over each list of `size` pairs.

    Which text of its list means the same as the query is what a reranker is asked (localized contrastive estimation,
    arXiv:2101.08751, section 3).
    """

    def __init__(self, model: CrossEncoder, *, size: int, weight: float) -> None:
        super().__init__()
        self.model = model
        self.size = size
        self.weight = weight

    def forward(self, texts: Sequence[Sequence[str]], labels: Tensor, **_: Any) -> Tensor:  # noqa: ANN401 (prompts)
        """Give the loss of a block; `labels`, (rows,), are 1 for one pair of each list."""
        features = batch_to_device(self.model.preprocess([*zip(*texts, strict=True)]), self.model.device)
        logits = self.model(features)["scores"].view(-1).float()
        pairs = binary_cross_entropy_with_logits(logits, labels.view(-1).to(logits))
        lists = cross_entropy(logits.view(-1, self.size), labels.view(-1, self.size).to(logits))
        return pairs + self.weight * lists


class RecordedLoss(nn.Module):
    """A loss that remembers its values since they were last taken."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self._values: list[Tensor] = []

    def forward(self, *arguments: Any, **keywords: Any) -> Tensor:  # noqa: ANN401 (those of the loss)
        """Give the loss."""
        value: Tensor = self.loss(*arguments, **keywords)
        self._values.append(value.detach())
        return value

    def take_mean(self) -> float | None:
        """Give the mean since the last time, None where there was no value."""
        mean = torch.stack(self._values).mean().item() if self._values else None
        self._values.clear()
        return mean


def _without_self(vectors: Tensor) -> Tensor:
    """Similarities of each text to the others, (n, n - 1)."""
    count = len(vectors)
    similarities = vectors @ vectors.T
    return similarities.flatten()[1:].view(count - 1, count + 1)[:, :-1].reshape(count, count - 1)
