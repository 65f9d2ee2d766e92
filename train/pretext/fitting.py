"""The fit on both tasks, resumable: every step draws from a generator of its own number.

The state lies where other fits keep theirs (`fit.state`), so a fit that was stopped ends as one that was not.
"""

import copy
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.hardware.dtypes import DTYPES
from dataengine.nets.checkpoint import ModelMeta
from dataengine.studies.settings import arrays_hash, json_hash
from dataengine.terminal.progress import track

from ..fit.origin import starter_hash
from ..fit.schedule import MovingAverage, average_decay, decay_groups, learning_rate
from ..fit.start import choose_device, crop_spec, files_read, first_network, openmp_on_own_cores, within_section
from ..fit.state import FitState, fit_precision, load_state, save_state, say_precision
from ..fit.steps.optimizer import make_optimizer, set_rate, take_state
from .blocks import Parted
from .measuring import measured
from .params import SECTION, PretrainParams
from .tasks import Pretext, step_losses


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A fit that is done."""

    model: Pretext
    """The average of the weights."""
    history: list[dict[str, float]]
    """Mean losses and held-out accuracies of each epoch, by task."""
    fingerprint: str
    precision: str
    device: torch.device


def pretext_fingerprint(params: PretrainParams, parted: Parted) -> str:
    """A hash of all that decides the result: params, first weights, crops and when they were filmed."""
    deciding = {name: value for name, value in asdict(params).items() if name != "loader"}
    weights = [*starter_hash(params).values(), *(sha256_file(path) for path in files_read(params))]
    arrays: list[Any] = [parted.crops]
    for stretch in (parted.learnt, parted.held):
        for each in stretch.tracks:
            arrays += [each.rows, each.time_s]
        for moments in stretch.moments:
            arrays += [moments.rows, moments.time_s]
    return json_hash([deciding, weights, arrays_hash(arrays), str(torch.__version__)])


def pretrain_network(params: PretrainParams, meta: ModelMeta, parted: Parted, out: Path) -> Pretrained:
    """Fit the network of `meta` on what `parted` shows; `out` is where its state is kept, and is not written.

    Raises:
        InputError: a loss is not finite.
    """
    with within_section(SECTION):
        device, spec = choose_device(params), crop_spec(params)
        model = Pretext(first_network(params, meta), spec)
    fingerprint = pretext_fingerprint(params, parted)
    state = load_state(out, fingerprint)
    precision = fit_precision(params, device, state, out)
    say_precision(SECTION, precision)
    fit = _Fit(params, model.to(device=device, memory_format=torch.channels_last), parted, spec, precision.name)
    fit.restore(state)
    steps = track(
        range(fit.done * params.steps_per_epoch, params.epochs * params.steps_per_epoch), SECTION, unit="step"
    )
    with openmp_on_own_cores(device), closing(steps):  # a bar that is left open runs into the line of an error
        while fit.done < params.epochs:
            fit.epoch(steps)
            save_state(out, fit.state(fingerprint))
        next(steps, None)  # lets the bar finish its line
    return Pretrained(fit.average, fit.history, fingerprint, precision.name, device)


class _Fit:
    """A fit between two epochs."""

    def __init__(self, params: PretrainParams, model: Pretext, parted: Parted, spec: CropSpec, precision: str) -> None:
        self.params, self.model, self.parted, self.spec, self.precision = params, model, parted, spec, precision
        self.device = next(model.parameters()).device
        self.average = copy.deepcopy(model)
        self._moving = MovingAverage(self.average, model)
        groups = decay_groups(model.net, params.weight_decay, params.layer_decay)
        groups += [group for head in (model.order, model.views) for group in decay_groups(head, params.weight_decay)]
        self._optimizer = make_optimizer(groups, params.learning_rate, self.device)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        dtype = DTYPES[precision]
        self._autocast = torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not torch.float32)
        self.history: list[dict[str, float]] = []

    @property
    def done(self) -> int:
        return len(self.history)

    def restore(self, state: FitState | None) -> None:
        if state is not None:
            self.model.load_state_dict(state.net)
            self.average.load_state_dict(state.average)
            take_state(self._optimizer, state.optimizer)
            self._scaler.load_state_dict(state.scaler)
            self.history = list(state.history)

    def state(self, fingerprint: str) -> FitState:
        return FitState(
            fingerprint=fingerprint,
            epochs_done=self.done,
            net=self.model.state_dict(),
            average=self.average.state_dict(),
            optimizer=self._optimizer.state_dict(),
            history=self.history,
            scaler=self._scaler.state_dict(),
            precision=self.precision,
        )

    def epoch(self, steps: Iterator[int]) -> None:
        self.model.train()
        sums: dict[str, float] = {}
        for _ in range(self.params.steps_per_epoch):
            for name, value in self._step(next(steps)).items():
                sums[name] = sums.get(name, 0.0) + value
        figures = {f"{name}_loss": value / self.params.steps_per_epoch for name, value in sums.items()}
        found = measured(self.average, self.parted, self.params, self.spec, self.device)
        self.history.append(figures | {f"{name}_accuracy": each.accuracy for name, each in found.items()})

    def _step(self, step: int) -> dict[str, float]:
        params, rng = self.params, np.random.default_rng([self.params.seed, step])
        torch.manual_seed(int(rng.integers(2**31)))  # for networks that have dropout
        set_rate(self._optimizer, learning_rate(params, step, params.epochs * params.steps_per_epoch))
        losses = step_losses(self.model, self.parted, params, self.spec, rng, self.device, self._autocast)
        loss: Tensor = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(loss):
            fix = "lower learning_rate"
            raise InputError(f"pretrain diverged at step {step}", expected="a finite loss", got=f"{loss:g}", fix=fix)
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), params.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._moving.update(average_decay(params, step))
        return {name: float(value.detach()) for name, value in losses.items()}
