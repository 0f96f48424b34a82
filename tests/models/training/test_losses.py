import math

import pytest
import torch
from torch import Tensor, nn

from models.training.losses import ListwiseLoss, NeighbourhoodDistillation, RecordedLoss

pytestmark = pytest.mark.usefixtures("one_thread")


class Table(nn.Module):
    """Stands for an encoder: a text is the number of its row."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.tensor(rows, dtype=torch.float64))

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sentence_embedding": self.rows[features["place"]]}


def distillation(rows: list[list[float]], **settings: float) -> NeighbourhoodDistillation:
    wanted = {"temperature": 1.0, "teacher_temperature": 1.0, "squared_error": 0.0} | settings
    return NeighbourhoodDistillation(Table(rows), **wanted)


def loss_of(loss: NeighbourhoodDistillation, teacher: list[list[float]]) -> Tensor:
    """One row of two texts a pair of the table's rows: 0 and 1, 2 and 3, ..."""
    places = torch.arange(len(loss.model.rows)).view(-1, 2)
    labels = torch.tensor(teacher, dtype=torch.float64).view(len(places), -1)
    return loss([{"place": column} for column in places.T], labels)


ORTHOGONAL = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 3.0]]  # rows need not be of unit length


def test_the_distillation_is_the_divergence_that_is_computed_by_hand():
    """Texts in the order of both columns: 0, 2, 1, 3. The teacher sees all as one, the student as above."""
    teacher = [[1.0, 0.0]] * 4
    similarities = {0: [-1, 0, 0], 2: [-1, 0, 0], 1: [0, 0, 1], 3: [0, 0, 1]}

    def divergence(learnt: list[int]) -> float:
        total = sum(map(math.exp, learnt))
        return sum(1 / 3 * math.log((1 / 3) / (math.exp(one) / total)) for one in learnt)

    expected = sum(map(divergence, similarities.values())) / 4
    assert loss_of(distillation(ORTHOGONAL), teacher).item() == pytest.approx(expected)


def test_the_squared_error_of_the_similarities_is_added_by_its_weight():
    teacher = [[1.0, 0.0]] * 4
    plain = loss_of(distillation(ORTHOGONAL), teacher).item()
    mean = sum((learnt - 1) ** 2 for learnt in [-1, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 1]) / 12
    assert loss_of(distillation(ORTHOGONAL, squared_error=0.5), teacher).item() == pytest.approx(plain + 0.5 * mean)


def test_temperatures_divide_the_similarities_of_their_side():
    teacher = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]]
    halved = distillation(ORTHOGONAL, temperature=0.5, teacher_temperature=0.5)
    assert loss_of(halved, teacher) > loss_of(distillation(ORTHOGONAL), teacher)
    apart = distillation(teacher, temperature=1.0, teacher_temperature=0.1)
    assert loss_of(apart, teacher).item() > 0.01


@pytest.mark.parametrize("squared_error", [0.0, 1.0])
def test_at_the_similarities_of_the_teacher_there_is_nothing_to_learn(squared_error):
    """The student's vectors are those of the teacher, turned and stretched."""
    teacher = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]]
    turned = [[-2 * y, 2 * x] for x, y in teacher]
    loss = distillation(turned, temperature=0.2, teacher_temperature=0.2, squared_error=squared_error)
    value = loss_of(loss, teacher)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(loss.model.rows.grad, torch.zeros(4, 2, dtype=torch.float64), atol=1e-9, rtol=0)


def test_a_teacher_whose_similarities_crowd_near_1_is_stretched_before_it_is_compared():
    """Its vectors are those of the student with half of each distance from 1: 0.6 becomes 0.8, 0 becomes 0.5."""
    student = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]]
    gram = torch.tensor(student, dtype=torch.float64) @ torch.tensor(student, dtype=torch.float64).T
    crowded = torch.linalg.cholesky(1 - (1 - gram) / 2 + 1e-12 * torch.eye(4, dtype=torch.float64))
    loss = distillation(student, temperature=0.2, teacher_temperature=0.1, squared_error=1.0)
    assert loss_of(loss, crowded.tolist()).item() == pytest.approx(0, abs=1e-9)


def test_learning_brings_the_similarities_of_the_teacher():
    teacher = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]], dtype=torch.float64)
    loss = distillation(ORTHOGONAL, squared_error=1.0)
    optimiser = torch.optim.Adam(loss.parameters(), lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        loss_of(loss, teacher.tolist()).backward()
        optimiser.step()
    learnt = nn.functional.normalize(loss.model.rows.detach(), dim=1)
    torch.testing.assert_close(learnt @ learnt.T, teacher @ teacher.T, atol=0.01, rtol=0)


def test_a_recorded_loss_gives_the_mean_since_it_was_last_taken():
    recorded = RecordedLoss(nn.L1Loss())
    values = [recorded(torch.tensor([value]), torch.tensor([0.0])) for value in (1.0, 3.0)]
    assert [value.item() for value in values] == [1.0, 3.0]
    assert recorded.take_mean() == 2.0
    assert recorded.take_mean() is None
    recorded(torch.tensor([5.0]), torch.tensor([0.0]))
    assert recorded.take_mean() == 5.0


def test_a_recorded_loss_passes_the_gradient_and_keeps_no_graph():
    recorded = RecordedLoss(nn.MSELoss())
    weight = torch.tensor([2.0], requires_grad=True)
    recorded(weight, torch.tensor([0.0])).backward()
    assert weight.grad.tolist() == [4.0]
    assert recorded.take_mean() == 4.0


class Logits(nn.Module):
    """Stands for a cross-encoder: a pair is the number of its logit."""

    device = torch.device("cpu")

    def __init__(self, logits: list[float]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def preprocess(self, pairs: list[tuple[str, str]]) -> dict[str, Tensor]:
        return {"place": torch.tensor([int(first + second) for first, second in pairs])}

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"scores": self.logits[features["place"]][:, None]}


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_the_listwise_loss_is_what_is_computed_by_hand(weight):
    """Two lists of two pairs, the right one first and second."""
    loss = ListwiseLoss(Logits([2.0, 1.0, -1.0, 0.0]), size=2, weight=weight)
    found = loss(
        [["0", "0", "0", "0"], ["0", "1", "2", "3"]], torch.tensor([1.0, 0.0, 0.0, 1.0]), prompt=None, task=None
    )
    pairs = [math.log1p(math.exp(-2)), math.log1p(math.exp(1)), math.log1p(math.exp(-1)), math.log(2)]
    lists = [math.log1p(math.exp(-1)), math.log1p(math.exp(-1))]
    assert found.item() == pytest.approx(sum(pairs) / 4 + weight * sum(lists) / 2, rel=1e-6)
    found.backward()
    assert (loss.model.logits.grad != 0).all()
