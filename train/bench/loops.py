"""Two loops that fit the same network on the same batches: ours, and that of a PyTorch tutorial.

The plain one does forward in mixed precision, loss, backward, clipping and AdamW, and reads the loss as a number after
every step.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dataengine.bench.loader_sets import small_set
from dataengine.crops.training.loader import epoch_batches
from dataengine.hardware.dtypes import DTYPES
from dataengine.hardware.precision import choose_precision
from dataengine.people import SOURCE_DTYPE

from ..fit import start
from ..fit.learnt_from.training_set import TrainingSet
from ..fit.run import Run
from ..fit.steps.ranks import Ranks
from ..losses.distribution import simcc_loss


class Ours:
    """The product's loop, an epoch at a time."""

    def __init__(self, run: Any) -> None:
        self.run, self._steps = run, count()
        self.images = run.steps_per_epoch * run.batch

    def epoch(self) -> None:
        """Fit one epoch; the next call fits the next one."""
        self.run.history.append({"train_loss": self.run.epoch(self._steps)})


class Plain:
    """The plain loop, an epoch at a time: its own copy of the network, the same samples in the same order."""

    def __init__(self, run: Any, net: nn.Module, loss: Callable[..., torch.Tensor]) -> None:
        self.run, self.net, self.loss, self._epochs = run, net, loss, count()
        params = run.params
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay)
        self.device = next(net.parameters()).device

    def epoch(self) -> None:
        """Fit one epoch."""
        run, number = self.run, next(self._epochs)
        order, workers = run.training.order(number, 1), run.params.loader.threads(self.device.type)
        self.net.train()
        losses = []
        for batch in epoch_batches(run.samples, order, run.batch, run.params.seed, number, workers=workers):
            images = torch.from_numpy(batch.images).to(self.device).contiguous(memory_format=torch.channels_last)
            points, weight = (torch.from_numpy(a).to(self.device) for a in (batch.keypoints_px, batch.joint_weight))
            dtype = DTYPES[run.precision]
            with torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not torch.float32):
                answer = self.net(images)
            loss = self.loss(*(part.float() for part in answer), points, weight)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), run.params.clip_norm)
            self.optimizer.step()
            losses.append(loss.item())


def loops(params: Any, folder: Path, people: int, precision: str | None = None) -> tuple[Ours, Plain]:
    """Both loops on `people` persons, with equal first weights; `precision` overrides that of `params`."""
    persons, images = small_set(folder, people)
    persons = persons.replace(source=np.full(len(persons), "real", dtype=SOURCE_DTYPE))
    # the schedule is stretched, so that the rate stays above 0 however many epochs are fitted
    training, meta = TrainingSet.of_one_source(persons, images, seed=0), start.model_meta(params)
    precision = choose_precision(precision or params.precision, start.choose_device(params)).name
    stretched = replace(params, epochs=10_000)
    run = Run(stretched, meta, training, Ranks(), precision=precision)
    parameter = next(run.net.parameters())
    twin = start.first_network(params, meta).to(device=parameter.device, memory_format=torch.channels_last)
    split = meta.simcc_split

    def loss(x: torch.Tensor, y: torch.Tensor, points: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        cost: torch.Tensor = simcc_loss(x, y, points, weight, split=split, sigma_px=params.label_sigma_px)
        return cost

    return Ours(run), Plain(run, twin, loss)


def in_turns(ours: Callable[[], Any], plain: Callable[[], Any], pairs: int) -> list[tuple[float, float]]:
    """Seconds of ours and of the plain way, pair by pair, after one of each to warm up."""
    ours(), plain()
    seconds = []
    for pair in range(pairs):
        taken = {way: seconds_of(way) for way in ((ours, plain) if pair % 2 else (plain, ours))}
        seconds.append((taken[ours], taken[plain]))
    return seconds


def seconds_of(way: Callable[[], Any]) -> float:
    """Time of one call."""
    started = time.perf_counter()
    way()
    return time.perf_counter() - started
