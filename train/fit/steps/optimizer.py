"""The optimizer of a fit: AdamW in its fused form, which can skip a step by a flag on the device.

On a GPU the learning rates are tensors there, so that a recorded step (`graph.py`) follows the schedule.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def make_optimizer(groups: Sequence[dict[str, Any]], learning_rate: float, device: torch.device) -> torch.optim.AdamW:
    """AdamW over `groups`, each with a factor `rate` on the learning rate, for parameters on `device`."""
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, fused=True)
    for group in optimizer.param_groups if device.type == "cuda" else ():
        group["lr"] = torch.tensor(learning_rate, dtype=torch.float32, device=device)
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Learn at `learning_rate`, and each group at its factor of it, from the next step on."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate * group["rate"])
        else:
            group["lr"] = learning_rate * group["rate"]


def step_if_finite(optimizer: torch.optim.Optimizer, report: Tensor) -> None:
    """One step, skipped on the device if a number in `report` is not finite. Waits for nothing.

    Fused optimizers read their attribute ``found_inf``; this is how `torch.amp.GradScaler` skips steps.
    """
    optimizer.found_inf = (~torch.isfinite(report)).any().float()  # type: ignore[attr-defined]
    optimizer.step()


def allow_recording(optimizer: torch.optim.Optimizer, allowed: bool) -> None:
    """Set the flag that PyTorch requires before a step is recorded as a CUDA graph, and warns of in other steps."""
    for group in optimizer.param_groups:
        group["capturable"] = allowed


def take_state(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Load the moments of `saved`; what depends on the machine, such as the device of the rates, stays as it is."""
    own = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": saved["state"], "param_groups": own})


def fresh_scaler(scaler: torch.amp.GradScaler, device: torch.device) -> torch.amp.GradScaler:
    """A new scaler with the state that `scaler` has between two steps."""
    fresh = torch.amp.GradScaler(device.type, enabled=scaler.is_enabled())
    fresh.load_state_dict(scaler.state_dict())
    return fresh
