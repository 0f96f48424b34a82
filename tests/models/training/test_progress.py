import json

import pytest
import torch
from torch import nn
from transformers import TrainerControl, TrainerState, TrainingArguments

from models.errors import TrainingError
from models.training.losses import RecordedLoss
from models.training.progress import MEASURED_STEPS, ProgressLog


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Run:
    """Stands for the trainer: a run of 1,000 steps that reports to the log."""

    def __init__(self, folder, max_hours: float | None = None, begun_at: int = 0) -> None:
        self.file = folder / "log.jsonl"
        self.said: list[str] = []
        self.clock = Clock()
        self.losses = {"0-groups": RecordedLoss(nn.L1Loss()), "1-pairs": RecordedLoss(nn.L1Loss())}
        self.log = ProgressLog(self.file, self.losses, self.said.append, max_hours, self.clock)
        self.state = TrainerState(max_steps=1000, global_step=begun_at)
        self.arguments = TrainingArguments(output_dir=str(folder), use_cpu=True)
        self.log.on_train_begin(self.arguments, self.state, TrainerControl())

    def step(self, seconds: float, count: int = 1) -> None:
        for _ in range(count):
            self.clock.seconds += seconds
            self.state.global_step += 1
            self.log.on_step_end(self.arguments, self.state, TrainerControl())

    def write(self, **numbers: object) -> dict[str, float]:
        self.log.on_log(self.arguments, self.state, TrainerControl(), logs=numbers)
        return json.loads(self.file.read_text().splitlines()[-1])


def record(loss: RecordedLoss, *values: float) -> None:
    for value in values:
        loss(torch.tensor([value]), torch.tensor([0.0]))


def test_after_the_first_steps_the_time_of_all_is_said_once(tmp_path):
    run = Run(tmp_path)
    run.step(3.6, MEASURED_STEPS - 1)
    assert run.said == []
    run.step(3.6, 40)
    assert run.said == ["3.60 s a step: 1.0 hours for the 980 steps that are left"]


def test_a_run_that_goes_on_counts_from_where_it_goes_on(tmp_path):
    run = Run(tmp_path, begun_at=480)
    run.step(7.2, MEASURED_STEPS)
    assert run.said == ["7.20 s a step: 1.0 hours for the 500 steps that are left"]


def test_a_run_that_will_not_fit_is_refused_with_the_ways_out(tmp_path):
    run = Run(tmp_path, max_hours=0.5)
    run.step(3.6, MEASURED_STEPS - 1)
    with pytest.raises(TrainingError) as refused:
        run.step(3.6)
    assert str(refused.value) == (
        "1.0 hours are needed, --max-hours is 0.5: in the recipe lower steps or rows, keep fewer layers (layers = 6), "
        "or train only the upper ones (frozen_layers = 9); or train on a GPU"
    )


def test_a_run_that_fits_is_not_refused(tmp_path):
    run = Run(tmp_path, max_hours=1)
    run.step(3.6, MEASURED_STEPS)
    assert len(run.said) == 1


def test_a_log_is_a_line_of_json_with_the_mean_loss_of_each_task(tmp_path):
    run = Run(tmp_path)
    record(run.losses["0-groups"], 1.0, 3.0)
    run.step(6, 100)
    assert run.write(loss=2.5, learning_rate=1e-5, epoch=0.1) == {
        "step": 100,
        "loss": 2.5,
        "learning_rate": 1e-5,
        "epoch": 0.1,
        "loss_0-groups": 2.0,
    }
    record(run.losses["1-pairs"], 4.0)
    assert run.write() == {"step": 100, "loss_1-pairs": 4.0}
    assert len(run.file.read_text().splitlines()) == 2


def test_a_log_is_said_with_the_time_that_is_left(tmp_path):
    run = Run(tmp_path)
    run.step(6, 100)
    run.write(loss=2.54321)
    assert run.said[-1] == "step 100/1,000, 90 min left: loss 2.543"


def test_what_says_nothing_is_left_out_of_the_log(tmp_path):
    run = Run(tmp_path)
    written = run.write(eval_p_at_1=0.5, eval_samples_per_second=0.0, total_flos=0.0, note="text")
    assert written == {"step": 0, "eval_p_at_1": 0.5}
