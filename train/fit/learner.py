"""The step of a fit as a plain function of a batch: gradients, clipping, the optimizer, the average.

`Learner.learn` does the same work at every call and never waits for the device: no number is read from it, nothing is
copied to it. So it can be recorded as a CUDA graph (`graph.py`); on a CPU it is simply called. What changes
from step to step is set beforehand, by `set_rates`.

A batch is cut into pieces, and their gradients are added up. Each piece's loss is a mean over its counted joints and
enters with its share of them, so the sum is the mean over the batch; only batch norm sees the pieces.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.hardware.dtypes import DTYPES
from dataengine.nets.network import KeypointNetwork

from ..losses.table import LossScales, WeightedLoss
from .consistency.teaching import Consistency, cut_out
from .distill import Distillation
from .params import FitParams
from .schedule import MovingAverage, decay_groups, layer_decays, set_layer_decay
from .steps.batch import Inputs, NetworkInput
from .steps.optimizer import make_optimizer, set_rate, step_if_finite, take_state
from .steps.ranks import Ranks


class Learner:
    """The network, its optimizer, its average, and the number of pieces that a batch is cut into."""

    def __init__(
        self,
        params: FitParams,
        net: KeypointNetwork,
        ranks: Ranks,
        distillation: Distillation | None = None,
        average: nn.Module | None = None,
        *,
        precision: str,
        protocol: OksProtocol = COCO,
        consistency: Callable[[WeightedLoss], Consistency] | None = None,
    ) -> None:
        """`average` follows `net`; `consistency` makes the part for people without labels.

        `precision` is bf16, fp16 or fp32; the OKS loss is by `protocol`."""
        self.params, self.net, self.ranks, self.distillation = params, net, ranks, distillation
        self.device, self.dtype = next(net.parameters()).device, DTYPES[precision]
        scales = LossScales.of(params.label_sigma_px, protocol, self.device)
        self.loss = WeightedLoss(params.losses, net.head_kind, scales)
        self.consistency = consistency(self.loss) if consistency is not None else None
        self.network_input = NetworkInput(self.device, channels_last=params.channels_last)
        self.model: nn.Module = net if distillation is None else distillation.model
        self.layer_decays = layer_decays(params)
        self.changes_depth = len(set(self.layer_decays)) > 1
        groups = decay_groups(net, params.weight_decay, self.layer_decays[0], by_depth=self.changes_depth)
        if distillation is not None:
            groups += decay_groups(distillation.projection, params.weight_decay)
        self.optimizer = make_optimizer(groups, params.learning_rate, self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self.pieces = params.accumulate
        self.parallel = DistributedDataParallel(self.model) if ranks.world > 1 else None
        self.average_net = average if average is not None else net
        self.average = MovingAverage(average, net) if average is not None else None
        self.decay: float | Tensor = torch.zeros((), device=self.device) if self.device.type == "cuda" else 0.0
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.device)

    def state(self) -> dict[str, Any]:
        """What to continue from after a whole epoch: plain tensors and numbers."""
        return {
            "net": self.net.state_dict(),
            "average": self.average_net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "pieces": self.pieces,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` has given."""
        self.net.load_state_dict(state["net"])
        self.average_net.load_state_dict(state["average"])
        take_state(self.optimizer, state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.pieces = state["pieces"]

    def enter_phase(self, phase: int) -> None:
        """Take phase number `phase`'s rates by depth, from the next `set_rates` on."""
        if self.changes_depth:
            set_layer_decay(self.optimizer, self.layer_decays[phase])

    def set_rates(self, learning_rate: float, decay: float, consistency: float = 0.0) -> None:
        """Learning rate, decay of the average, and weight of `consistency`, from the next step on."""
        if self.consistency is not None:
            self.consistency.set_weight(consistency)
        set_rate(self.optimizer, learning_rate)
        if isinstance(self.decay, Tensor):
            self.decay.fill_(decay)
        else:
            self.decay = decay

    def learn(self, inputs: Inputs) -> Tensor:
        """One whole step on a batch on the device; returns loss and gradient norm (2,), on the device too.

        If one of them is not finite, no weight changes.
        """
        return self.update(self.gradients(inputs))

    def gradients(self, inputs: Inputs) -> Tensor:
        """The loss of all ranks' batches, a scalar; leaves the gradients in the parameters."""
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        bounds = _bounds(len(inputs), self.pieces)
        parts = [inputs.part(start, end) for start, end in bounds]
        shares = self._shares(inputs, parts)
        total = torch.zeros((), device=self.device)
        for index, (part, share) in enumerate(zip(parts, shares, strict=True)):
            # gradients are exchanged, and averaged over the ranks, after the last piece
            alone = self.parallel is None or index == len(parts) - 1
            with nullcontext() if alone else self.parallel.no_sync():  # type: ignore[union-attr]
                loss = self._loss(part, share, _views_share(part, inputs))
                self.scaler.scale(loss).backward()
            total = total + loss.detach()
        return self.ranks.total(total / self.ranks.world).float()

    def update(self, loss: Tensor) -> Tensor:
        """Clip the gradients, move the weights and the average; returns loss and gradient norm (2,)."""
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.params.clip_norm)
        report = torch.stack([loss, norm])
        if self.scaler.is_enabled():  # skips a step that overflowed by itself
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            step_if_finite(self.optimizer, report)
        if self.average is not None:
            self.average.update(self.decay)
        self.loss_sum.add_(loss)
        return report

    def _shares(self, inputs: Inputs, parts: list[Inputs]) -> list[Tensor | float]:
        """Weight of each part's loss: its share of all ranks' counted joints, times the ranks it is averaged over."""
        world = self.ranks.world
        if len(parts) * world == 1:
            return [1.0]
        counted = self.ranks.total(inputs.target.counted).clamp(min=1)
        return [(part.target.counted / counted * world).float() for part in parts]

    def _loss(self, inputs: Inputs, share: Tensor | float, views_share: float) -> Tensor:
        """The part's loss: that of labels times `share`, that of people without labels times `views_share`."""
        if self.consistency is None or inputs.views is None or not len(inputs.views):
            return self._labelled_loss(inputs) * share
        views, target = inputs.views, inputs.target
        with self._autocast():
            taught = self.consistency.ask(self.network_input(views.weak))
        lesson = self.consistency.lesson(tuple(tensor.float() for tensor in taught), views)  # places need all digits
        strong = cut_out(self.network_input(views.strong), lesson, views)
        images = torch.cat([self.network_input(inputs.images), strong])
        with self._autocast():
            answer = (self.parallel or self.model)(self.network_input(images))
        own, other = zip(*(tensor.float().split([len(inputs), len(views)]) for tensor in answer), strict=True)
        return self.loss(own, target) * share + self.consistency.loss_of(other, lesson) * views_share

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32)

    def _labelled_loss(self, inputs: Inputs) -> Tensor:
        images, target = self.network_input(inputs.images), inputs.target
        with self._autocast():
            answer = (self.parallel or self.model)(images)
            teacher_answer = self.distillation.teach(images) if self.distillation else ()
        student = tuple(tensor.float() for tensor in answer)
        if self.distillation is None:
            return self.loss(student, target)
        teacher = tuple(tensor.float() for tensor in teacher_answer)
        return self.loss(student[1:], target) + self.distillation.loss(student, teacher, target.joint_weight)


def _views_share(part: Inputs, whole: Inputs) -> float:
    return len(part.views) / len(whole.views) if part.views is not None and whole.views else 0.0


def _bounds(samples: int, pieces: int) -> list[tuple[int, int]]:
    """Start and end of each piece; they differ by one sample at most."""
    parts = np.array_split(np.arange(samples), min(pieces, samples))
    return [(int(part[0]), int(part[-1]) + 1) for part in parts]
