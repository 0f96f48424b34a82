"""Leaving padding away where a network cannot skip it: a batch is read in slices of texts of like length.

A batch is padded to its longest text, and blocks are put together by meaning: of the tokens of a step on questions of
mixed length half are padding, and on a CPU a token of padding costs what any other costs.
"""

from collections.abc import Callable
from typing import Any, Final

import torch
from torch import Tensor, nn

_TEXTS: Final = 8
"""Of a slice: fewer leave the processor's matrix units idle, more bring padding back."""


def read_in_length_slices(network: nn.Module, output: str) -> None:
    """Make `network` read the batches it is trained on shortest texts first, a few at a time; results stay the same.

    It takes features of tensors (texts, tokens), padded at the end, and gives `output`, (texts, ...), in the order of
    the texts. What it does outside training is left as it is.
    """
    whole: Callable[..., dict[str, Any]] = network.forward

    def forward(features: dict[str, Any], **keywords: Any) -> dict[str, Any]:  # noqa: ANN401 (as the network takes)
        if not network.training:
            return whole(features, **keywords)
        mask: Tensor = features["attention_mask"]
        lengths = mask.sum(dim=1)
        shortest_first = lengths.argsort()
        slices = [
            whole(_slice(features, mask.shape, texts, int(lengths[texts].max())), **keywords)[output]
            for texts in torch.split(shortest_first, _TEXTS)
        ]
        return {**features, output: torch.cat(slices)[shortest_first.argsort()]}

    network.forward = forward


def _slice(features: dict[str, Any], shape: torch.Size, texts: Tensor, longest: int) -> dict[str, Any]:
    return {
        name: value[texts, :longest] if isinstance(value, Tensor) and value.shape == shape else value
        for name, value in features.items()
    }
