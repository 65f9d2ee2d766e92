"""One step of a fit: forward and backward over the pieces of a batch, the guards, the optimizer.

A step's batch is cut into pieces that fit into memory, and their gradients are added up. There are `accumulate` pieces,
and twice as many after each time that memory ran out. Each piece's loss is a mean over its counted joints, and enters
with its share of them, so the sum is the mean over the batch; only batch norm knows of pieces.
"""

import sys
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from dataengine.crops.loader import Batch
from dataengine.errors import EnvironmentFault, InputError
from dataengine.nets.network import KeypointNetwork

from ..losses.table import Target, WeightedLoss
from .distill import Distillation
from .params import FitParams
from .ranks import Ranks
from .schedule import decay_groups

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
# PyTorch's CPU allocator has no exception of its own.
_CPU_MEMORY_FAULTS = ("can't allocate memory", "not enough memory", "bad_alloc")


class Stepper:
    """The network with its optimizer, and into how many pieces a batch has to be cut."""

    def __init__(
        self,
        params: FitParams,
        net: KeypointNetwork,
        area_px2: np.ndarray,
        image_path: Callable[[int], str],
        ranks: Ranks,
        distillation: Distillation | None = None,
    ) -> None:
        """`area_px2` (n,) is every training person's area in crop pixels; `image_path` names a person's image."""
        self.params, self.net, self.area_px2, self.image_path = params, net, area_px2, image_path
        self.loss = WeightedLoss(params.losses, net.head_kind, params.label_sigma_px)
        groups = decay_groups(net, params.weight_decay, params.layer_decay)
        self.distillation = distillation
        self.model: nn.Module = net if distillation is None else distillation.model
        if distillation is not None:
            groups += decay_groups(distillation.projection, params.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=params.learning_rate)
        self.device = next(net.parameters()).device
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=params.precision == "fp16")
        self.pieces = params.accumulate
        self.ranks = ranks
        self.parallel = DistributedDataParallel(self.model) if ranks.world > 1 else None

    def step(self, batch: Batch, learning_rate: float, moment: str) -> float:
        """Learn from `batch`; returns its loss. `moment` says where in the run this is, for messages."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * group["rate"]
        self.net.train()
        loss = self._gradients(batch)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.params.clip_norm)
        self._refuse_nonsense(loss, norm, batch, moment)
        self._learn()
        return loss

    def _learn(self) -> None:
        """The optimizer's own tensors are made in the first step, and no smaller batch makes them smaller."""
        try:
            self.scaler.step(self.optimizer)
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            got, mend = _first_line(error), "take a smaller network"
            raise EnvironmentFault("the optimizer does not fit into memory", got=got, mend=mend) from error
        self.scaler.update()

    def _gradients(self, batch: Batch) -> float:
        """Loss of `batch`, its gradients in place; in smaller pieces where memory runs out."""
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            try:
                return self._accumulate(batch)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                fault = _first_line(error)
                if self.parallel is not None:  # the other ranks are waiting for this one's gradients
                    raise EnvironmentFault("a rank is out of memory", got=fault, mend="halve params batch") from error
            self._halve(len(batch.rows), fault)  # outside the handler, whose traceback holds the tensors

    def _accumulate(self, batch: Batch) -> float:
        world = self.ranks.world
        counted = max(1.0, self.ranks.total(float((batch.joint_weight > 0).sum()), self.device))
        total = 0.0
        pieces = np.array_split(np.arange(len(batch.rows)), min(self.pieces, len(batch.rows)))
        for index, rows in enumerate(pieces):
            target = self._target(batch, rows)
            share = target.counted / counted if len(pieces) * world > 1 else 1.0
            # gradients are exchanged, and averaged over the ranks, after the last piece
            alone = self.parallel is None or index == len(pieces) - 1
            with nullcontext() if alone else self.parallel.no_sync():  # type: ignore[union-attr]
                loss = self._loss(batch.images[rows[0] : rows[-1] + 1], target) * (share * world)
                self.scaler.scale(loss).backward()
            total += loss.item()
        return self.ranks.total(total / world, self.device)

    def _loss(self, images: np.ndarray, target: Target) -> Tensor:
        layout = torch.channels_last if self.params.channels_last else torch.contiguous_format
        inputs = torch.from_numpy(images).to(self.device).contiguous(memory_format=layout)
        dtype = _DTYPES[self.params.precision]
        with torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not torch.float32):
            answer = (self.parallel or self.model)(inputs)
            taught = self.distillation.teach(inputs) if self.distillation else ()
        found = tuple(tensor.float() for tensor in answer)
        if self.distillation is None:
            return self.loss(found, target)
        wanted = tuple(tensor.float() for tensor in taught)
        return self.loss(found[1:], target) + self.distillation.loss(found, wanted, target.joint_weight)

    def _target(self, batch: Batch, rows: np.ndarray) -> Target:
        arrays = (batch.keypoints_px[rows], batch.joint_weight[rows], self.area_px2[batch.rows[rows]])
        keypoints, weight, area = (torch.from_numpy(np.asarray(a, np.float32)).to(self.device) for a in arrays)
        return Target(keypoints, weight, area)

    def _halve(self, batch: int, fault: str) -> None:
        """Cut batches into twice as many pieces from now on, and say so."""
        self.optimizer.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.pieces >= batch:
            raise EnvironmentFault(
                "not even one sample fits into memory", got=fault, mend="take a smaller network or smaller crops"
            )
        self.pieces = min(2 * self.pieces, batch)
        share = -(-batch // self.pieces)
        print(f"out of memory ({fault}): going on with {share} samples at a time", file=sys.stderr, flush=True)

    def _refuse_nonsense(self, loss: float, norm: Tensor, batch: Batch, moment: str) -> None:
        """A loss or gradient that is not finite would spoil the weights for good: stop and name the batch.

        With fp16 a gradient may overflow; the scaler then leaves the step out and lowers its scale.
        """
        if np.isfinite(loss) and (bool(torch.isfinite(norm)) or self.scaler.is_enabled()):
            return
        rows = sorted({int(row) for row in batch.rows})
        images = ", ".join(sorted({self.image_path(row) for row in rows}))
        raise InputError(
            f"fitting diverged at {moment}",
            expected="a finite loss and gradient",
            got=f"loss {loss:g}, gradient {norm.item():g} on people {', '.join(map(str, rows))} in {images}",
            mend="look at these labels, or lower learning_rate",
        )


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else "out of memory"


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(fault in str(error) for fault in _CPU_MEMORY_FAULTS)
