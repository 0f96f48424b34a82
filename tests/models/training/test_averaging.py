import pytest
import torch
from torch import nn

from models.training.averaging import average_with


@pytest.fixture
def networks():
    torch.manual_seed(1)
    return nn.Linear(3, 2), nn.Linear(3, 2)


def test_each_weight_becomes_the_mean_that_the_share_says(networks):
    trained, base = networks
    expected = 0.75 * trained.weight.detach() + 0.25 * base.weight.detach()
    average_with(trained, base, 0.25)
    assert torch.allclose(trained.weight, expected)


def test_a_share_of_nothing_leaves_the_trained_weights(networks):
    trained, base = networks
    before = trained.bias.detach().clone()
    average_with(trained, base, 0.0)
    assert torch.equal(trained.bias, before)


def test_the_base_is_left_alone(networks):
    trained, base = networks
    before = base.weight.detach().clone()
    average_with(trained, base, 0.5)
    assert torch.equal(base.weight, before)
