"""What a killed fit continues from, after each whole epoch: weights, average, optimizer, loss scale, history.

Everything else follows from these: the schedule and the samples from the number of epochs done, early stopping and the
best epoch from the history.

The state lies next to the output, in ``<out>.resume``, because the output itself is whole or absent. It is plain
tensors and numbers, so that loading it runs no code. `load_state` gives None for anything that is not this run's.
`fit_precision` is the precision that a fit takes: the one it began with, or what suits this machine.
"""

import pickle
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from dataengine.files import atomic_path
from dataengine.hardware.precision import ChosenPrecision, choose_precision
from dataengine.terminal.speech import say

from .params import FitParams

STATE_NAME = "state.pt"
# what torch.load raises, depending on which byte is wrong
_UNREADABLE = (
    *(OSError, RuntimeError, EOFError, TypeError, ValueError, LookupError, AttributeError),
    pickle.UnpicklingError,
)


@dataclass(frozen=True, eq=False)
class FitState:
    """The state after `epochs_done` epochs of the run that `fingerprint` names."""

    fingerprint: str
    epochs_done: int
    net: Mapping[str, torch.Tensor]
    average: Mapping[str, torch.Tensor]
    optimizer: dict[str, Any]
    history: list[dict[str, float]]
    best: Mapping[str, torch.Tensor] | None = None  # average of the best epoch, if that one is shipped
    scaler: dict[str, Any] = field(default_factory=dict)  # scaler of the loss, in fp16
    projection: Mapping[str, torch.Tensor] = field(
        default_factory=dict
    )  # projection of the features, if there is a teacher
    pieces: int = 1  # pieces that a batch is cut into to fit this machine's memory
    peer: dict[str, Any] = field(default_factory=dict)  # net, average, optimizer and scaler of a second network
    precision: str = ""  # precision it began in: bf16, fp16 or fp32

    def learner(self) -> dict[str, Any]:
        """The part that `Learner.state` gave."""
        return {name: getattr(self, name) for name in ("net", "average", "optimizer", "scaler", "pieces")}


def resume_folder(out: Path) -> Path:
    """Folder in which the run that will write `out` keeps its state."""
    return out.with_name(out.name + ".resume")


def save_state(out: Path, state: FitState) -> None:
    """Replace the state in one step: a kill leaves that of the epoch before."""
    record = {f.name: getattr(state, f.name) for f in fields(state)}
    # given a path, torch hides a full disk
    with atomic_path(resume_folder(out) / STATE_NAME) as partial, partial.open("wb") as file:
        torch.save(record, file)


def load_state(out: Path, fingerprint: str) -> FitState | None:
    """The state of this very run, or None: absent, unreadable, or of other parameters or data."""
    path = resume_folder(out) / STATE_NAME
    if not path.exists():
        return None
    try:
        state = FitState(**torch.load(path, map_location="cpu", weights_only=True))
    except _UNREADABLE:
        return None  # an older format or a damaged disk costs a fresh start, nothing more
    return state if state.fingerprint == fingerprint else None


def remove_state(out: Path) -> None:
    """Remove the state of a finished run: its output holds everything."""
    shutil.rmtree(resume_folder(out), ignore_errors=True)


def fit_precision(params: FitParams, device: torch.device, state: FitState | None, out: Path) -> ChosenPrecision:
    """The precision that `params.precision` means here; `state` is what the fit that will write `out` resumes from.

    A fit ends in the precision it began with, even on a machine that would have begun in another one: the weights of a
    fit in two precisions would be those of neither.
    """
    here = choose_precision(params.precision, device)
    if state is None or state.precision in ("", here.name):
        return here
    reason = (
        f"this fit began in it and keeps it, though this machine would take {here.name} ({here.reason}); "
        f"delete {resume_folder(out)} to begin again in that"
    )
    return ChosenPrecision(state.precision, reason)


def say_precision(stage: str, chosen: ChosenPrecision) -> None:
    """Report the precision of a fit, with its reason."""
    say(f"{stage}: precision {chosen.name} ({chosen.reason})")
