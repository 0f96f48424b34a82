"""Progress of a training run: rate and time left, every loss, and whether it will fit into its hours."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from models.errors import TrainingError
from models.message import Message
from models.training.losses import RecordedLoss

MEASURED_STEPS: Final = 20
"""Steps after which the time of the whole run is known."""
_SAYS_NOTHING: Final = ("_per_second", "total_flos")
"""Numbers of the library that are 0 here, or follow from the others."""


class ProgressLog(TrainerCallback):
    """Writes each log as a line of JSON into `file` and says it; stops a run that will not fit into its hours."""

    def __init__(
        self,
        file: Path,
        losses: Mapping[str, RecordedLoss],
        say: Callable[[Message], None],
        max_hours: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._losses = losses
        self._say = say
        self._max_hours = max_hours
        self._clock = clock
        self._begun = 0.0
        self._first_step = 0
        self.seconds_a_step = 0.0

    def on_train_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Start the clock."""
        self._begun, self._first_step = self._clock(), state.global_step

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """After the first steps say how long all will take; TrainingError when that is too long."""
        done = state.global_step - self._first_step
        self.seconds_a_step = (self._clock() - self._begun) / done
        if done != MEASURED_STEPS:
            return
        hours = (state.max_steps - state.global_step) * self.seconds_a_step / 3600
        self._say(
            Message(
                "{seconds:.2f} s a step: {hours:.1f} hours for the {steps:,} steps that are left",
                seconds=self.seconds_a_step,
                hours=hours,
                steps=state.max_steps - state.global_step,
            )
        )
        if self._max_hours is not None and hours > self._max_hours:
            raise TrainingError(
                Message(
                    "{hours:.1f} hours are needed, --max-hours is {limit:g}: in the recipe lower steps or rows, keep "
                    "fewer layers (layers = 6), or train only the upper ones (frozen_layers = 9); or train on a GPU",
                    hours=hours,
                    limit=self._max_hours,
                )
            )

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Write and say what was logged, with the mean loss of each task since the last time."""
        numbers = {
            name: value
            for name, value in (logs or {}).items()
            if isinstance(value, int | float) and not name.endswith(_SAYS_NOTHING)
        }
        numbers |= {
            f"loss_{name}": mean for name, loss in self._losses.items() if (mean := loss.take_mean()) is not None
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": state.global_step, **numbers}) + "\n")
        left = (state.max_steps - state.global_step) * self.seconds_a_step
        self._say(
            Message(
                "step {step:,}/{steps:,}, {minutes:.0f} min left: {numbers}",
                step=state.global_step,
                steps=state.max_steps,
                minutes=left / 60,
                numbers=", ".join(f"{name} {value:.4g}" for name, value in numbers.items()),
            )
        )
