"""The fit of a lifter: labelled windows, and after a while tracks without labels as well.

A killed fit goes on from its last state, which lies in ``<out>.resume`` while it runs. Every step draws from a
generator of its own number, so a fit that was resumed ends as one that was not.
"""

import pickle
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dataengine.files import atomic_path
from dataengine.studies.settings import arrays_hash, json_hash
from dataengine.terminal.progress import track as progress

from .body import HIPS
from .drawing import draw_windows, window_of_tracks
from .losses import bone_loss, pose_loss, reprojection_loss, root_loss
from .motions import Motions
from .network import LifterNetwork, Placed
from .observed import MeasuredErrors, RayTrack
from .params import LifterParams
from .rays import Normalised

SAVED_EVERY = 500  # steps
CLIP_NORM = 1.0
FIRST_MOMENTUM, LAST_MOMENTUM = 0.1, 0.001  # of batch normalisation (Pavllo et al., section 5)
_STATE = "state.pt"
_UNREADABLE = (OSError, RuntimeError, EOFError, TypeError, ValueError, LookupError, pickle.UnpicklingError)


@dataclass(frozen=True, eq=False)
class LifterData:
    """What a lifter learns from."""

    motions: Motions
    errors: MeasuredErrors
    unlabelled: Sequence[RayTrack] = ()
    """Without them the fit is supervised alone."""

    def fingerprint(self) -> str:
        """A hash of all content."""
        motions, errors = self.motions, self.errors
        tables: list[NDArray[Any] | np.generic] = [motions.joints_m, motions.first, np.float64(motions.fps)]
        tables += [errors.errors, errors.confidence, errors.first]
        return arrays_hash([*tables, *(part for each in self.unlabelled for part in (each.rays, each.confidence))])


def fit_lifter(out: Path, params: LifterParams, data: LifterData) -> tuple[LifterNetwork, dict[str, float]]:
    """The fitted network in evaluation mode, and the last losses; `out` is where its state is kept, not written."""
    torch.manual_seed(params.seed)
    net = LifterNetwork(params)
    optimizer = torch.optim.Adam(net.parameters(), lr=params.learning_rate, amsgrad=True)
    fingerprint = json_hash([asdict(params), data.fingerprint()])
    begun = _resumed(out, fingerprint, net, optimizer)
    losses: dict[str, float] = {}
    net.train()
    for step in progress(range(begun, params.steps), f"fit {out.name}", unit="step"):
        _set_rates(net, optimizer, params, step)
        losses = _step(net, optimizer, params, data, step)
        if (step + 1) % SAVED_EVERY == 0 and step + 1 < params.steps:
            _save(out, fingerprint, step + 1, net, optimizer)
    return net.eval(), losses


def forget_state(out: Path) -> None:
    """Remove the state of a fit whose network is written."""
    shutil.rmtree(_resume_folder(out), ignore_errors=True)


def _step(
    net: LifterNetwork, optimizer: torch.optim.Optimizer, params: LifterParams, data: LifterData, step: int
) -> dict[str, float]:
    rng = np.random.default_rng([params.seed, step])
    torch.manual_seed(int(rng.integers(2**31)))  # dropout
    takes_part = bool(data.unlabelled) and step >= params.warmup_share * params.steps
    free = min(round(params.batch * params.unlabelled_share), params.batch - 1) if takes_part else 0
    labelled = draw_windows(data.motions, data.errors, params, params.batch - free, rng)
    seen, truth = labelled.seen, torch.from_numpy(labelled.joints_m)
    if not free:
        found = _placed(net, params, [seen])
        losses = _supervised(found, truth, params)
    else:
        tracks, rays, confidence = window_of_tracks(list(data.unlabelled), params, free, rng)
        both = _placed(net, params, [seen, tracks])
        found = Placed(both.pose_m[:-free], both.root_m[:-free])
        guessed = Placed(both.pose_m[-free:], both.root_m[-free:])
        losses = _supervised(found, truth, params)
        spread = torch.from_numpy(tracks.spread[:, _asked(params)])
        off = reprojection_loss(guessed, torch.from_numpy(rays), torch.from_numpy(confidence), spread)
        losses["reprojection"] = params.reprojection_weight * off
        losses["bones"] = params.bone_weight * bone_loss(guessed, found)
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
    optimizer.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def _supervised(found: Placed, joints_m: Tensor, params: LifterParams) -> dict[str, Tensor]:
    root = joints_m[:, HIPS, :].mean(dim=1)
    return {
        "pose": pose_loss(found, joints_m - root[:, None]),
        "root": params.root_weight * root_loss(found, root),
    }


def _placed(net: LifterNetwork, params: LifterParams, windows: Sequence[Normalised]) -> Placed:
    asked = _asked(params)
    inputs, middle, spread = (
        torch.from_numpy(np.concatenate(parts))
        for parts in (
            [each.inputs for each in windows],
            [each.middle[:, asked : asked + 1] for each in windows],
            [each.spread[:, asked : asked + 1] for each in windows],
        )
    )
    placed = net(inputs, middle, spread, strided=True)
    return Placed(placed.pose_m[:, 0], placed.root_m[:, 0])


def _asked(params: LifterParams) -> int:
    return params.receptive_field - 1 if params.causal else params.receptive_field // 2


def _set_rates(net: LifterNetwork, optimizer: torch.optim.Optimizer, params: LifterParams, step: int) -> None:
    share = step / params.steps
    optimizer.param_groups[0]["lr"] = params.learning_rate * params.decay**share
    momentum = FIRST_MOMENTUM * (LAST_MOMENTUM / FIRST_MOMENTUM) ** share
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.momentum = momentum


def _resume_folder(out: Path) -> Path:
    return out.with_name(out.name + ".resume")


def _save(out: Path, fingerprint: str, step: int, net: LifterNetwork, optimizer: torch.optim.Optimizer) -> None:
    record = {"fingerprint": fingerprint, "step": step, "net": net.state_dict(), "optimizer": optimizer.state_dict()}
    # given a path, torch hides a full disk
    with atomic_path(_resume_folder(out) / _STATE) as partial, partial.open("wb") as file:
        torch.save(record, file)


def _resumed(out: Path, fingerprint: str, net: LifterNetwork, optimizer: torch.optim.Optimizer) -> int:
    """The step to go on from; 0 without a state of this very fit."""
    try:
        record: dict[str, Any] = torch.load(_resume_folder(out) / _STATE, map_location="cpu", weights_only=True)
        if record["fingerprint"] != fingerprint:
            return 0
        net.load_state_dict(record["net"])
        optimizer.load_state_dict(record["optimizer"])
        return int(record["step"])
    except _UNREADABLE:
        return 0  # absent, or damaged: costs a fresh start, nothing more
