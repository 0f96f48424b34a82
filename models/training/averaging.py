"""Averaging trained weights with those they began with: what training made forget comes back in part."""

import torch
from torch import nn


def average_with(trained: nn.Module, base: nn.Module, base_share: float) -> None:
    """Make each weight of `trained` the mean (1 - share) * trained + share * base (WiSE-FT, arXiv:2109.01903, eq. 1).

    Both must be the same network; weights that were not trained stay as they are.
    """
    untrained = base.state_dict()
    with torch.no_grad():
        for name, weight in trained.state_dict().items():
            if weight.is_floating_point():
                weight.lerp_(untrained[name], base_share)
