"""The learning rate of each step, the parameters that decay, and the average of the weights."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .learnt_from.curriculum import rate_span
from .params import FitParams

EMA_RAMP_STEPS = 10  # the average forgets its random start: its decay is at most (1 + t) / (10 + t), as TensorFlow's


def learning_rate(params: FitParams, step: int, steps: int) -> float:
    """A linear rise over the warm-up, then half cosines down to zero, each restart beginning at the top again.

    Cosine annealing with warm restarts is Loshchilov and Hutter's (SGDR, ICLR 2017); here the cycles, each
    `restart_growth` times as long as the one before, fill the run exactly, so that it ends at the bottom of one.
    """
    warmup = max(1, round(params.warmup_share * steps))
    if step < warmup:
        return params.learning_rate * (step + 1) / warmup
    start, end = _cycle(params, step - warmup, max(1, steps - warmup))
    progress = (step - warmup - start) / (end - start)
    return params.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def _cycle(params: FitParams, step: int, steps: int) -> tuple[int, int]:
    """First step and end of the cycle that `step` of `steps` lies in."""
    lengths = [params.restart_growth**cycle for cycle in range(params.restarts + 1)]
    bounds = [round(steps * sum(lengths[:cycle]) / sum(lengths)) for cycle in range(len(lengths) + 1)]
    start = [bound for bound in bounds[:-1] if bound <= step][-1]
    return start, next((bound for bound in bounds if bound > start), start + 1)


class MovingAverage:
    """Weights and batch-norm statistics of `average` that follow those of `net`; counters are copied."""

    def __init__(self, average: nn.Module, net: nn.Module) -> None:
        pairs = list(zip(average.state_dict().values(), net.state_dict().values(), strict=True))
        moving = [pair for pair in pairs if pair[0].dtype.is_floating_point]
        self._average, self._new = [own for own, _ in moving], [new for _, new in moving]
        self._counters = [pair for pair in pairs if not pair[0].dtype.is_floating_point]

    @torch.no_grad()
    def update(self, decay: float | Tensor) -> None:
        """Move by 1 - `decay` of the way. A scalar tensor is for steps that are recorded as a CUDA graph."""
        if isinstance(decay, Tensor):
            way = torch._foreach_sub(self._new, self._average)
            torch._foreach_mul_(way, 1 - decay)
            torch._foreach_add_(self._average, way)
        else:
            for own, new in zip(self._average, self._new, strict=True):
                own.lerp_(new, 1 - decay)
        for own, new in self._counters:
            own.copy_(new)


def average_decay(params: FitParams, step: int) -> float:
    """`ema_decay`, and less in the first steps."""
    return min(params.ema_decay, (1 + step) / (EMA_RAMP_STEPS + step))


def rate_in_phase(params: FitParams, epoch: int, step: int, steps_per_epoch: int) -> float:
    """The learning rate of step number `step` of the fit, which lies in `epoch`: it rises and falls in every phase.

    Phases that go on share the rise and fall of the first of them.
    """
    phase, start, epochs = rate_span(params.phases, epoch)
    own = params if phase.learning_rate is None else replace(params, learning_rate=phase.learning_rate)
    return learning_rate(own, step - start * steps_per_epoch, epochs * steps_per_epoch)


def layer_decays(params: FitParams) -> list[float]:
    """The factor by which rates fall from stage to stage, for each phase."""
    found = [phase.layer_decay for phase in params.phases]
    return [params.layer_decay if decay is None else decay for decay in found]


def decay_groups(
    net: nn.Module, weight_decay: float, layer_decay: float = 1.0, *, by_depth: bool = False
) -> list[dict[str, Any]]:
    """The optimizer's parameter groups, each with its `rate`, a factor on the learning rate, and its `depth` in stages.

    Kernels decay; biases and norms do not, which would only hurt them. The head's rate is 1 and falls by `layer_decay`
    with each stage towards the image, as ELECTRA (Clark et al., 2020) and BEiT (Bao et al., 2022) are fine-tuned: early
    features are general and hard to learn again. `by_depth` divides by stage even where all rates are one, for
    `set_layer_decay` to change them.
    """
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        depth = net.stages_above(name) if by_depth or layer_decay != 1 else 0  # type: ignore[operator]
        groups.setdefault((-depth, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "weight_decay": weight_decay if is_kernel else 0.0,
            "rate": layer_decay**-up,
            "depth": -up,
        }
        for (up, is_kernel), parameters in sorted(groups.items(), key=lambda item: item[0], reverse=True)
    ]


def set_layer_decay(optimizer: torch.optim.Optimizer, layer_decay: float) -> None:
    """Change the factors of groups that `decay_groups` divided by depth, from the next `set_rate` on."""
    for group in optimizer.param_groups:
        group["rate"] = layer_decay ** group["depth"]
