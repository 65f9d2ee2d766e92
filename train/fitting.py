"""Fit a keypoint network: AdamW, warm-up and cosine, an average of the weights, bfloat16, resumable after a kill.

`fit` runs the whole and writes checkpoint and report; `_Run` holds what changes from step to step. The same
parameters and data give the same weights, in one go or with interruptions: every batch, augmentation and learning rate
is a function of (seed, epoch, step), and the resume state holds the rest.
"""

import copy
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dataengine.crops.loader import Batch, epoch_batches
from dataengine.crops.samples import CropSamples
from dataengine.crops.spec import CropSpec
from dataengine.errors import InputError
from dataengine.files import fresh_folder
from dataengine.nets.checkpoint import ModelMeta, load_checkpoint, save_checkpoint
from dataengine.predict import Prediction, predict_crops, torch_runner
from dataengine.progress import track

from .fitting_data import TrainingSet, ValidationSet, fingerprint
from .fitting_params import FitParams
from .fitting_report import validation_figures, write_curves, write_picture
from .fitting_state import FitState, load_state, remove_state, save_state
from .losses import simcc_loss

EMA_RAMP_STEPS = 10  # the average forgets its random start: its decay is at most (1 + t) / (10 + t), as TensorFlow's


def fit(
    stage: str,
    params: FitParams,
    training: TrainingSet,
    validation: ValidationSet,
    *,
    out: Path,
    report: Path,
    files: Sequence[Path],
    start_from: Path | None = None,
) -> dict[str, float]:
    """Fit on `training`, write the checkpoint folder `out` and the folder `report`; returns the final figures.

    `files` are the label files read, for the fingerprint; `start_from` a checkpoint folder to begin with.
    """
    meta = _meta(params)
    samples = CropSamples(training.people, training.images, meta.crop, params.augment)
    mark = fingerprint(params, training, validation, files)
    run = _Run(params, meta, training, samples, start_from)
    run.restore(load_state(out, mark))
    steps = track(range(run.done * run.steps_per_epoch, params.epochs * run.steps_per_epoch), stage, unit="batch")
    while run.done < params.epochs:
        loss = run.epoch(steps)
        figures = validation_figures(validation, _predict(run.average, meta, validation))
        save_state(out, run.state_after({"train_loss": loss, **figures}, mark))
    next(steps, None)  # lets the bar finish its line
    prediction = _predict(run.average, meta, validation)
    final = {**validation_figures(validation, prediction), "images_per_s": run.images_per_s()}
    lineage = {"stage": stage, "params": asdict(params), "data_sha256": mark, "validation": run.history[-1]}
    with fresh_folder(report) as report_folder, fresh_folder(out) as out_folder:
        save_checkpoint(out_folder, run.average, ModelMeta(**{**meta.__dict__, "lineage": lineage}))
        write_curves(report_folder, run.history, final)
        write_picture(report_folder, validation, prediction)
    remove_state(out)
    return final


def crop_spec(params: FitParams) -> CropSpec:
    """The crop that a network with these parameters sees."""
    return _meta(params).crop


def _meta(params: FitParams) -> ModelMeta:
    return ModelMeta(
        network=params.network,
        network_kwargs=params.network_kwargs,
        input_width_px=params.input_width_px,
        input_height_px=params.input_height_px,
        crop_padding=params.crop_padding,
    )


def _predict(net: nn.Module, meta: ModelMeta, validation: ValidationSet) -> Prediction:
    return predict_crops(torch_runner(net), meta, validation.crops_bgr, validation.matrices)


class _Run:
    """A fit in progress: the network, its average, the optimizer, the history of whole epochs."""

    def __init__(
        self, params: FitParams, meta: ModelMeta, training: TrainingSet, samples: CropSamples, start_from: Path | None
    ) -> None:
        torch.manual_seed(params.seed)
        self.params, self.meta, self.training, self.samples = params, meta, training, samples
        self.net = meta.build().to(memory_format=torch.channels_last)
        if start_from is not None:
            _take_weights(self.net, start_from)
        self.average = copy.deepcopy(self.net)
        self.optimizer = torch.optim.AdamW(_decay_groups(self.net, params.weight_decay), lr=params.learning_rate)
        self.done = 0
        self.history: list[dict[str, float]] = []
        drawn = len(training.order(0, params.draws_per_epoch))
        self.batch = min(params.batch, drawn)
        self.steps_per_epoch = drawn // self.batch
        self._fit_seconds, self._fit_images = 0.0, 0

    def restore(self, state: FitState | None) -> None:
        """Continue where `state` stands."""
        if state is None:
            return
        self.net.load_state_dict(state.net)
        self.average.load_state_dict(state.average)
        self.optimizer.load_state_dict(state.optimizer)
        self.done, self.history = state.epochs_done, list(state.history)

    def state_after(self, figures: dict[str, float], mark: str) -> FitState:
        """Note the figures of the epoch just fitted and give the state to save."""
        self.history.append(figures)
        self.done += 1
        net, average = self.net.state_dict(), self.average.state_dict()
        return FitState(mark, self.done, net, average, self.optimizer.state_dict(), self.history)

    def epoch(self, ticks: Iterator[int]) -> float:
        """Fit one epoch; returns its mean loss."""
        order = self.training.order(self.done, self.params.draws_per_epoch)
        losses = []
        started = time.perf_counter()
        for batch in epoch_batches(self.samples, order, self.batch, self.params.seed, self.done):
            losses.append(self._step(batch, next(ticks)))
        self._fit_seconds += time.perf_counter() - started
        self._fit_images += len(losses) * self.batch
        return float(np.mean(losses))

    def images_per_s(self) -> float:
        """Rate over what this process fitted; 0 where it only finished the report."""
        return round(self._fit_images / self._fit_seconds, 1) if self._fit_seconds else 0.0

    def _step(self, batch: Batch, step: int) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.params, step, self.params.epochs * self.steps_per_epoch)
        self.net.train()
        images = torch.from_numpy(batch.images).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits_x, logits_y = self.net(images)
        loss = simcc_loss(
            logits_x.float(),
            logits_y.float(),
            torch.from_numpy(batch.keypoints_px),
            torch.from_numpy(batch.joint_weight),
            split=self.meta.simcc_split,
            sigma_px=self.params.label_sigma_px,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), self.params.clip_norm)
        self._refuse_nonsense(loss, norm, batch, step)
        self.optimizer.step()
        update_average(self.average, self.net, min(self.params.ema_decay, (1 + step) / (EMA_RAMP_STEPS + step)))
        return loss.item()

    def _refuse_nonsense(self, loss: Tensor, norm: Tensor, batch: Batch, step: int) -> None:
        """A loss or gradient that is not finite would spoil the weights for good: stop and name the batch."""
        if bool(torch.isfinite(loss)) and bool(torch.isfinite(norm)):
            return
        images = ", ".join(sorted({self.samples.image_path(int(row)) for row in batch.rows}))
        raise InputError(
            f"fitting diverged at epoch {self.done}, step {step}",
            expected="a finite loss and gradient",
            got=f"loss {loss.item():g}, gradient {norm.item():g} on {images}",
            mend="look at these labels, or lower learning_rate",
        )


def learning_rate(params: FitParams, step: int, steps: int) -> float:
    """A linear rise over the warm-up, then half a cosine down to nothing."""
    warmup = max(1, round(params.warmup_share * steps))
    if step < warmup:
        return params.learning_rate * (step + 1) / warmup
    return params.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the average's weights and batch-norm statistics towards the network's; counters are copied."""
    for kept, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def _decay_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    kernels = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]  # biases and batch norm: decay only hurts them
    return [{"params": kernels, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _take_weights(net: nn.Module, folder: Path) -> None:
    source, meta = load_checkpoint(folder)
    weights: Mapping[str, Tensor] = source.state_dict()
    own = net.state_dict()
    if {k: v.shape for k, v in weights.items()} != {k: v.shape for k, v in own.items()}:
        raise InputError(
            f"{folder} holds another network than the one to fit", got=meta.network, mend="start from none"
        )
    net.load_state_dict(dict(weights))
