"""A step of a fit, and what surrounds it: rates, the way to the device, memory that runs out, the guard.

What is learned is `learner.py`'s. On one GPU the step is recorded and replayed (`graph.py`); where that
cannot be, it says so once and goes on by calling it.
"""

import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from dataengine.crops.training.loader import Batch
from dataengine.nets.network import KeypointNetwork

from .batch import Inputs, Ready, ready
from .distill import Distillation
from .graph import CannotRecord, Recorded
from .guard import Guard
from .learner import Learner
from .memory import first_line, halved, is_out_of_memory, refuse_optimizer, refuse_rank
from .optimizer import allow_recording, fresh_scaler
from .params import FitParams
from .ranks import Ranks


class Stepper:
    """Fits a network batch by batch."""

    def __init__(
        self,
        params: FitParams,
        net: KeypointNetwork,
        area_px2: np.ndarray,
        image_path: Callable[[int], str],
        ranks: Ranks,
        distillation: Distillation | None = None,
        average: nn.Module | None = None,
        *,
        precision: str,
    ) -> None:
        """`area_px2` (n,) is every training person's area in crop pixels; `image_path` names a person's image."""
        self.learner = Learner(params, net, ranks, distillation, average, precision=precision)
        self.area_px2, self.device = area_px2, self.learner.device
        self.guard = Guard(image_path, overflow_is_usual=self.learner.scaler.is_enabled())
        self.recorded: Recorded | None = None
        self._steps = 0
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # batches are all of one size
            self.recorded = Recorded(self._learn_within_memory, self._learn_recordably, self.device)
            if ranks.world > 1:
                self._record_no_more("several processes share the fit")

    def ready(self, batch: Batch) -> Ready:
        """`batch` as `step` takes it; may be called in the loader's threads."""
        return ready(batch, self.area_px2, self.device)

    def step(self, batch: Ready, learning_rate: float, moment: str, decay: float = 0.0) -> Tensor:
        """Learn from `batch`; returns its loss, a scalar on the device that is good until the next step.

        `decay` is the average's. `moment` says where in the run this is, for messages.

        Raises:
            InputError: this step, or on a GPU one of the last few, was not finite; no weight has changed by it.
            EnvironmentFault: memory does not suffice.
        """
        self.learner.set_rates(learning_rate, decay)
        report = self._learned(batch.inputs)
        self._steps += 1
        self.guard.note(report, batch.rows, moment)
        return report[0]

    def mean_loss(self) -> float:
        """Of the steps since the last call. Waits for the device, and raises what `step` would have."""
        self.guard.settle()
        mean = self.learner.loss_sum.item() / max(1, self._steps)
        self.learner.loss_sum.zero_()
        self._steps = 0
        return float(mean)

    def _learned(self, given: Inputs) -> Tensor:
        """`given` lies in the host's memory; returns loss and gradient norm (2,), on the device."""
        if self.recorded is not None and self.learner.pieces > self.learner.params.accumulate:
            self._record_no_more("memory ran out")
        if self.recorded is not None:
            try:
                return self.recorded(given)
            except CannotRecord as reason:
                self._record_no_more(str(reason))
        return self._learn_within_memory(given.to(self.device))

    def _learn_within_memory(self, inputs: Inputs) -> Tensor:
        """`Learner.learn`, in smaller pieces from now on where memory runs out."""
        loss = self._gradients_within_memory(inputs)
        try:
            return self.learner.update(loss)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                refuse_optimizer(error)
            raise

    def _gradients_within_memory(self, inputs: Inputs) -> Tensor:
        while True:
            try:
                return self.learner.gradients(inputs)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if self.learner.parallel is not None:
                    refuse_rank(error)
                fault = first_line(error)
            self.learner.optimizer.zero_grad(set_to_none=True)  # outside the handler, whose traceback holds the tensors
            self.learner.pieces = halved(self.learner.pieces, len(inputs), fault, self.device)

    def _learn_recordably(self, inputs: Inputs) -> Tensor:
        allow_recording(self.learner.optimizer, True)
        return self.learner.learn(inputs)

    def _record_no_more(self, reason: str) -> None:
        """Call the step from now on, and say why."""
        self.recorded = None
        allow_recording(self.learner.optimizer, False)
        self.learner.scaler = fresh_scaler(self.learner.scaler, self.device)  # a recording may have stopped half-way
        print(f"fitting without a CUDA graph: {reason}", file=sys.stderr, flush=True)
