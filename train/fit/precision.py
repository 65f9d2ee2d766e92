"""Which precision a fit takes: the one it began with, or what suits this machine."""

import sys
from pathlib import Path

import torch

from dataengine.hardware.precision import ChosenPrecision, choose_precision

from .params import FitParams
from .state import FitState, resume_folder


def fit_precision(params: FitParams, device: torch.device, state: FitState | None, out: Path) -> ChosenPrecision:
    """`params.precision` made definite; `state` is what the fit that will write `out` goes on from.

    A fit ends in the precision it began with, also on a machine that would have begun in another one: the weights of a
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
    """One line on standard error."""
    print(f"{stage}: precision {chosen.name} ({chosen.reason})", file=sys.stderr, flush=True)
