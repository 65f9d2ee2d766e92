"""Which precision a fit takes: the one it began with, or what suits this machine."""

from pathlib import Path

import torch

from dataengine.hardware.precision import ChosenPrecision, choose_precision
from dataengine.terminal.speech import say

from .params import FitParams
from .state import FitState, resume_folder


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
