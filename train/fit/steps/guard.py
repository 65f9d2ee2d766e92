"""Looks at every step's loss and gradient without stopping the device at each.

A step that is not finite changes no weight: the optimizer leaves it out by itself (`step.py`). Here the host
learns of it, a few steps later on a GPU, and stops the run before any of it is saved.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.errors import InputError

STEPS_BEHIND = 4  # steps that a GPU may have queued before the host waits for it


class Reading(Protocol):
    """Two numbers on their way from the device."""

    def has_come(self) -> bool:
        """Whether `values` would not wait."""

    def values(self) -> tuple[float, float]:
        """Loss and gradient norm; waits for them."""


@dataclass(frozen=True, eq=False)
class _NotedStep:
    """A step whose numbers have yet to be looked at."""

    reading: Reading
    rows: NDArray[np.int64]
    position: str


class Guard:
    """Stops a run whose loss or gradient is not finite."""

    def __init__(
        self,
        image_path: Callable[[int], str],
        *,
        overflow_is_usual: bool = False,
        read: Callable[[Tensor], Reading] | None = None,
        steps_behind: int = STEPS_BEHIND,
    ) -> None:
        """`image_path` names a person's image, for messages.

        `overflow_is_usual` lets gradients that are not finite pass: in fp16 the scaler skips such a step and lowers its
        scale.
        """
        self.image_path, self.overflow_is_usual = image_path, overflow_is_usual
        self.read, self.steps_behind = read or read_later, steps_behind
        self._pending: deque[_NotedStep] = deque()

    def note(self, report: Tensor, rows: NDArray[np.int64], position: str) -> None:
        """Note a step: `report` (2,) holds its loss and gradient norm, `rows` its persons; `position` is for messages.

        Raises what `settle` raises, for this step or an earlier one.
        """
        self._pending.append(_NotedStep(self.read(report), rows, position))
        while self._pending and (len(self._pending) > self.steps_behind or self._pending[0].reading.has_come()):
            self._look(self._pending.popleft())

    def settle(self) -> None:
        """Look at all steps so far, waiting for the device.

        Raises:
            InputError: a step's loss or gradient is not finite; the message names its people and images.
        """
        while self._pending:
            self._look(self._pending.popleft())

    def _look(self, step: _NotedStep) -> None:
        loss, norm = step.reading.values()
        if np.isfinite(loss) and (np.isfinite(norm) or self.overflow_is_usual):
            return
        self._pending.clear()
        rows = sorted({int(row) for row in step.rows})
        images = ", ".join(sorted({self.image_path(row) for row in rows}))
        raise InputError(
            f"fitting diverged at {step.position}",
            expected="a finite loss and gradient",
            got=f"loss {loss:g}, gradient {norm:g} on people {', '.join(map(str, rows))} in {images}",
            fix="look at these labels, or lower learning_rate",
        )


class _Here:
    """Numbers on the CPU: there is nothing to wait for."""

    def __init__(self, report: Tensor) -> None:
        loss, norm = report.tolist()
        self._values = (float(loss), float(norm))

    def has_come(self) -> bool:
        return True

    def values(self) -> tuple[float, float]:
        return self._values


class _OnTheWay:
    """Numbers that a GPU copies into pinned memory when it gets there."""

    def __init__(self, report: Tensor) -> None:
        self._host = torch.empty(report.shape, dtype=report.dtype, pin_memory=True)
        self._host.copy_(report, non_blocking=True)
        self._copied = torch.cuda.Event()
        self._copied.record()

    def has_come(self) -> bool:
        return bool(self._copied.query())

    def values(self) -> tuple[float, float]:
        self._copied.synchronize()
        loss, norm = self._host.tolist()
        return float(loss), float(norm)


def read_later(report: Tensor) -> Reading:
    """A copy of `report` (2,) that does not hold up the device it lies on."""
    return _OnTheWay(report) if report.device.type == "cuda" else _Here(report)
