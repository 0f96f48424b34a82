import pytest
import torch
from torch import Tensor, nn

from models.training.length_slices import read_in_length_slices

pytestmark = pytest.mark.usefixtures("one_thread")

IDS = torch.arange(1, 1 + 20 * 12, dtype=torch.float64).view(20, 12)
LENGTHS = torch.tensor([12, 3, 5, 1, 2, 9, 7, 7, 4, 1, 12, 6, 2, 3, 8, 10, 11, 5, 4, 2])
MASK = (torch.arange(12) < LENGTHS[:, None]).long()


class MeanOfTokens(nn.Module):
    """Stands for an encoder: the weighted mean of the ids that are no padding; remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, features: dict[str, Tensor], *, plus: float = 0.0) -> dict[str, Tensor]:
        ids, mask = features["input_ids"], features["attention_mask"]
        self.shapes.append(tuple(ids.shape))
        return {"mean": self.weight * (ids * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True) + plus}


@pytest.fixture
def features():
    return {"input_ids": IDS, "attention_mask": MASK, "prompt_length": 3}


def test_vectors_and_gradients_are_those_of_the_whole_batch_in_its_order(features):
    whole, sliced = MeanOfTokens(), MeanOfTokens()
    read_in_length_slices(sliced, "mean")
    expected, found = whole(features, plus=0.5)["mean"], sliced(features, plus=0.5)["mean"]
    torch.testing.assert_close(found, expected)
    rows = torch.arange(20.0, dtype=torch.float64)[:, None]
    (expected * rows).sum().backward()
    (found * rows).sum().backward()
    torch.testing.assert_close(sliced.weight.grad, whole.weight.grad)


def test_a_slice_is_as_wide_as_its_longest_text_only(features):
    network = MeanOfTokens()
    read_in_length_slices(network, "mean")
    network(features)
    ordered = LENGTHS.sort().values
    assert network.shapes == [(8, ordered[7]), (8, ordered[15]), (4, 12)]


def test_outside_training_a_batch_is_read_whole(features):
    network = MeanOfTokens().eval()
    read_in_length_slices(network, "mean")
    network(features)
    assert network.shapes == [(20, 12)]


def test_what_is_no_tensor_of_tokens_goes_to_every_slice(features):
    seen = []

    class Remembering(MeanOfTokens):
        def forward(self, features: dict[str, Tensor], *, plus: float = 0.0) -> dict[str, Tensor]:
            seen.append(features["prompt_length"])
            return super().forward(features, plus=plus)

    network = Remembering()
    read_in_length_slices(network, "mean")
    assert network(features)["prompt_length"] == 3
    assert seen == [3, 3, 3]
