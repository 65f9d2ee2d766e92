"""A step of a fit and what surrounds it: rates, the copy to the device, memory that runs out, the guard.

The learning itself is in `learner.py`. On one GPU the step is recorded and replayed (`graph.py`); where that is not
possible, the fit says so once and calls the step instead.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from dataengine.crops.training.loader import Batch
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.nets.network import KeypointNetwork
from dataengine.terminal.speech import say

from ..losses.table import WeightedLoss
from .consistency.teaching import Consistency
from .distill import Distillation
from .learner import Learner
from .params import FitParams
from .steps.batch import Inputs, Ready, ready
from .steps.graph import CannotRecord, Recorded
from .steps.guard import Guard
from .steps.memory import first_line, halved, is_out_of_memory, refuse_optimizer, refuse_rank
from .steps.optimizer import allow_recording, fresh_scaler
from .steps.ranks import Ranks
from .steps.views import Views


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
        protocol: OksProtocol = COCO,
        consistency: Callable[[WeightedLoss], Consistency] | None = None,
    ) -> None:
        """`area_px2` (n,) is every training person's area in image pixels; `image_path` names a person's image."""
        self.learner = Learner(
            params,
            net,
            ranks,
            distillation,
            average,
            precision=precision,
            protocol=protocol,
            consistency=consistency,
        )
        self.area_px2, self.device = area_px2, self.learner.device
        self.guard = Guard(image_path, overflow_is_usual=self.learner.scaler.is_enabled())
        self.recorded: Recorded | None = None
        self._steps = 0
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # all batches have one size
            self.recorded = Recorded(self._learn_within_memory, self._learn_recordably, self.device)
            if ranks.world > 1:
                self._stop_recording("several processes share the fit")

    def ready(self, batch: Batch, views: Views | None = None) -> Ready:
        """`batch` in the form that `step` takes; may be called in the loader's threads."""
        return ready(batch, self.area_px2, self.device, views)

    def step(
        self, batch: Ready, learning_rate: float, position: str, decay: float = 0.0, consistency: float = 0.0
    ) -> Tensor:
        """Learn from `batch`; returns its loss, a scalar on the device that is good until the next step.

        `decay` is that of the average, `consistency` the weight of people without labels;
        `position` says where in the run this is, for messages.

        Raises:
            InputError: this step, or on a GPU one of the last few, was not finite; it has changed no weight.
            EnvironmentFault: there is not enough memory.
        """
        self.learner.set_rates(learning_rate, decay, consistency)
        report = self._learned(batch.inputs)
        self._steps += 1
        self.guard.note(report, batch.rows, position)
        return report[0]

    def mean_loss(self) -> float:
        """Mean loss of the steps since the last call. Waits for the device; raises what `step` would have raised."""
        self.guard.settle()
        mean = self.learner.loss_sum.item() / max(1, self._steps)
        self.learner.loss_sum.zero_()
        self._steps = 0
        return float(mean)

    def _learned(self, inputs: Inputs) -> Tensor:
        """Learn from `inputs` in the host's memory; returns loss and gradient norm (2,), on the device."""
        if self.recorded is not None and self.learner.pieces > self.learner.params.accumulate:
            self._stop_recording("memory ran out")
        if self.recorded is not None:
            try:
                return self.recorded(inputs)
            except CannotRecord as reason:
                self._stop_recording(str(reason))
        return self._learn_within_memory(inputs.to(self.device))

    def _learn_within_memory(self, inputs: Inputs) -> Tensor:
        """`Learner.learn`; if memory runs out, in smaller pieces from now on."""
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

    def _stop_recording(self, reason: str) -> None:
        """Call the step itself from now on, and report why."""
        self.recorded = None
        allow_recording(self.learner.optimizer, False)
        self.learner.scaler = fresh_scaler(self.learner.scaler, self.device)  # a recording may have stopped half-way
        say(f"fitting without a CUDA graph: {reason}")
