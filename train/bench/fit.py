"""What the fitting loop costs beside the plain PyTorch loop, and what a checkpoint costs beside ``torch.save``.

Both loops fit the same network, with the parameters of section ``fit-teacher`` (a SimCC head), on batches of the same
loader. The plain one is what a tutorial has: forward in mixed precision, loss, backward, clipping, AdamW. Ours also
averages the weights, looks for losses that are not finite, and can accumulate, resume and be shared among ranks. They
take turns, an epoch of a few batches each, ours first in every other pair; ``fit.overhead`` is the median of the pairs'
ratios.

``fit.checkpoint_*`` is what ships (safetensors, metadata, checksum) beside the state dict alone; ``fit.resume_*`` is
what an exact resume needs (weights, average, optimizer, history) beside the same dicts by plain ``torch.save``.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dataengine.bench.loader_sets import small_set
from dataengine.bench.record import Figure
from dataengine.crops.training.loader import epoch_batches
from dataengine.hardware.precision import DTYPES, choose_precision
from dataengine.mixing import MixRecipe
from dataengine.nets.checkpoint import save_checkpoint
from dataengine.params import load_section
from dataengine.people import SOURCE_DTYPE

from ..fit import data, loop, start, state
from ..fit.params import BASE, FitParams
from ..fit.ranks import Ranks
from ..losses.distribution import simcc_loss

PEOPLE, PAIRS, SAVES = 320, 21, 11


def run(
    people: int = PEOPLE, pairs: int = PAIRS, saves: int = SAVES, params: Path = Path("params.yaml")
) -> Iterator[Figure]:
    """``fit.overhead``, ``fit.ms_per_image``, then time and bytes of a checkpoint and of a resume state."""
    section = load_section(params, "fit-teacher", FitParams, base=BASE)
    with tempfile.TemporaryDirectory() as folder:
        once = replace(section, draws_per_epoch=1, people_per_epoch=None, accumulate=1)
        ours, plain = loops(once, Path(folder) / "set", people)
        seconds = in_turns(ours.epoch, plain.epoch, pairs)
        ratio = statistics.median(a / b for a, b in seconds)
        yield Figure("fit.overhead", ratio, "of a plain loop's time", 1.0)
        per_image = [1000 * statistics.median(taken) / ours.images for taken in zip(*seconds, strict=True)]
        yield Figure("fit.ms_per_image", per_image[0], "ms", per_image[1])
        yield from _checkpoints(ours.run, Path(folder), saves)


class Ours:
    """An epoch of the product's loop at a time."""

    def __init__(self, run: Any) -> None:
        self.run, self._steps = run, count()
        self.images = run.steps_per_epoch * run.batch

    def epoch(self) -> None:
        """Fit one; the next will be another."""
        self.run.history.append({"train_loss": self.run.epoch(self._steps)})


class Plain:
    """The same on the plain loop: its own copy of the network, the same samples in the same order."""

    def __init__(self, run: Any, net: nn.Module, loss: Callable[..., torch.Tensor]) -> None:
        self.run, self.net, self.loss, self._epochs = run, net, loss, count()
        params = run.params
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay)
        self.device = next(net.parameters()).device

    def epoch(self) -> None:
        """Fit one."""
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
    """Both loops on `people` persons, with equal first weights; `precision` in place of that of `params`."""
    persons, images = small_set(folder, people)
    persons = persons.replace(source=np.full(len(persons), "real", dtype=SOURCE_DTYPE))
    mix = data.Mix(persons.source, np.ones(len(persons)), MixRecipe(0.0, 0.0, 0))
    # the schedule is drawn out, so that the rate stays above 0 however many epochs are fitted
    training, meta = data.TrainingSet(persons, images, mix), start.model_meta(params)
    precision = precision or choose_precision(params.precision, start.choose_device(params)).name
    drawn_out = replace(params, epochs=10_000)
    run = loop.Run(drawn_out, meta, training, Ranks(), precision=precision)
    parameter = next(run.net.parameters())
    twin = start.first_network(params, meta).to(device=parameter.device, memory_format=torch.channels_last)
    simcc, split = simcc_loss, meta.simcc_split

    def loss(x: torch.Tensor, y: torch.Tensor, points: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        cost: torch.Tensor = simcc(x, y, points, weight, split=split, sigma_px=params.label_sigma_px)
        return cost

    return Ours(run), Plain(run, twin, loss)


def in_turns(ours: Callable[[], Any], plain: Callable[[], Any], pairs: int) -> list[tuple[float, float]]:
    """Seconds of ours and of the plain way, pair by pair, after one of each to warm up."""
    ours(), plain()
    seconds = []
    for pair in range(pairs):
        taken = {way: _seconds(way) for way in ((ours, plain) if pair % 2 else (plain, ours))}
        seconds.append((taken[ours], taken[plain]))
    return seconds


def _checkpoints(run: Any, folder: Path, saves: int) -> Iterator[Figure]:
    meta = start.model_meta(run.params)
    state_dicts = (run.net.state_dict(), run.average.state_dict(), run.stepper.learner.optimizer.state_dict())
    out, plain = folder / "model", folder / "plain.pt"
    resume = state.resume_folder(out) / state.STATE_NAME
    for name, save, files, content in (
        ("checkpoint", lambda: save_checkpoint(out, run.average, meta), lambda: list(out.iterdir()), state_dicts[1]),
        ("resume", lambda: state.save_state(out, run.state("benchmark")), lambda: [resume], state_dicts),
    ):
        out.mkdir(exist_ok=True)
        seconds = in_turns(save, lambda content=content: torch.save(content, plain), saves)  # type: ignore[misc]
        ours, theirs = (statistics.median(taken) for taken in zip(*seconds, strict=True))
        yield Figure(f"fit.{name}_s", ours, "s", theirs)
        size = sum(path.stat().st_size for path in files())
        yield Figure(f"fit.{name}_bytes", size, "bytes", plain.stat().st_size)


def _seconds(way: Callable[[], Any]) -> float:
    started = time.perf_counter()
    way()
    return time.perf_counter() - started
