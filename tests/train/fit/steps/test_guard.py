"""The guard: at once on a CPU, some steps later where readings take their time, never too late."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from dataengine.errors import InputError
from dataengine.train.fit.steps.guard import STEPS_BEHIND, Guard
from dataengine.train.fit.steps.optimizer import make_optimizer, step_if_finite

GOOD, BAD = (1.0, 2.0), (math.nan, 2.0)


@dataclass
class Slow:
    """Readings that come when they are waited for, or when `come` says so."""

    come: bool = False
    waited: list[tuple[float, float]] = field(default_factory=list)

    def read(self, report: torch.Tensor) -> "SlowReading":
        return SlowReading(self, (report[0].item(), report[1].item()))


@dataclass
class SlowReading:
    owner: Slow
    numbers: tuple[float, float]

    def has_come(self) -> bool:
        return self.owner.come

    def values(self) -> tuple[float, float]:
        self.owner.waited.append(self.numbers)
        return self.numbers


def note(guard: Guard, numbers: tuple[float, float], step: int) -> None:
    guard.note(torch.tensor(numbers), np.array([step, 2]), f"step {step}")


def path(row: int) -> str:
    return f"images/{row}.png"


def test_on_a_cpu_the_very_step_stops() -> None:
    guard = Guard(path)
    note(guard, GOOD, 6)
    with pytest.raises(InputError, match=r"diverged at step 7.*loss nan, gradient 2 on people 2, 7 in images/2\.png"):
        note(guard, BAD, 7)


def test_a_device_is_not_waited_for_until_it_is_some_steps_behind() -> None:
    slow = Slow()
    guard = Guard(path, read=slow.read)
    for step in range(STEPS_BEHIND):
        note(guard, GOOD, step)
    assert slow.waited == []
    note(guard, GOOD, STEPS_BEHIND)
    assert len(slow.waited) == 1, "the oldest, which a running device has long done"


def test_a_bad_step_is_named_although_others_followed() -> None:
    guard = Guard(path, read=Slow().read)
    note(guard, BAD, 0)
    for step in range(1, STEPS_BEHIND):
        note(guard, GOOD, step)
    with pytest.raises(InputError, match="diverged at step 0"):
        note(guard, GOOD, STEPS_BEHIND)
    slow = Slow()
    guard = Guard(path, read=slow.read)
    note(guard, BAD, 0)
    slow.come = True
    with pytest.raises(InputError, match="diverged at step 0"):
        note(guard, GOOD, 1)


def test_nothing_is_saved_before_all_is_looked_at() -> None:
    guard = Guard(path, read=Slow().read)
    note(guard, GOOD, 0)
    note(guard, (1.0, math.inf), 1)
    with pytest.raises(InputError, match="gradient inf"):
        guard.settle()
    guard.settle()


def test_gradients_may_overflow_in_fp16_but_losses_may_not() -> None:
    guard = Guard(path, overflow_is_usual=True)
    note(guard, (1.0, math.inf), 0)
    with pytest.raises(InputError, match="loss inf"):
        note(guard, (math.inf, math.inf), 1)


@pytest.mark.parametrize("numbers", [(1.0, 2.0), BAD, (1.0, math.inf)])
def test_the_optimizer_leaves_out_what_is_not_finite(numbers: tuple[float, float]) -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = make_optimizer([{"params": [parameter], "rate": 1.0}], 0.1, torch.device("cpu"))
    for expected in (numbers, GOOD):  # a step that was left out leaves no trace
        before = parameter.detach().clone()
        parameter.grad = torch.full((3,), math.nan if expected != GOOD else 1.0)
        step_if_finite(optimizer, torch.tensor(expected))
        assert torch.equal(parameter, before) == (expected != GOOD)
        assert torch.isfinite(parameter).all()
