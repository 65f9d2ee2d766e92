"""The table of losses, and their weighted sum as ``params.yaml`` states it.

Adding a loss: write a pure function in `distribution.py` or `position.py`, or in a module next to them, that is a
mean over counted joints (`Target.counted`: gradient accumulation relies on it) and finite for none; wrap it in a
function of (answer, target, head, scales); add one line to `LOSSES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from dataengine.errors import ParamsError
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.nets.heads import Head, Heatmap
from dataengine.nets.simcc_heads import LOG_SPREAD, PRESENCE, SimCCReading

from .distribution import LABEL_SHARPNESS, heatmap_loss, simcc_likelihood_loss, simcc_loss
from .position import oks_loss, smooth_l1_loss, wing_loss
from .presence import presence_loss


@dataclass(frozen=True, eq=False)
class Target:
    """The right answer to a batch of b crops."""

    keypoints_px: Tensor  # (b, 17, 2) crop pixels
    joint_weight: Tensor  # (b, 17), 0 = does not count
    area_px2: Tensor  # (b,) area of the person, pixels of the augmented crop
    in_crop: Tensor | None = None  # (b, 17) 1 in the crop, 0 cut away, -1 nobody knows; None: nobody knows of any

    @property
    def counted(self) -> Tensor:
        """Number of joints that count, a scalar on the device."""
        return (self.joint_weight > 0).sum()


@dataclass(frozen=True, eq=False)
class LossScales:
    """How near is near."""

    label_sigma_px: float  # width of the Gaussian labels, crop pixels
    oks_sigmas: Tensor  # (17,) float64, of OKS

    @classmethod
    def of(cls, label_sigma_px: float, protocol: OksProtocol = COCO, device: torch.device | None = None) -> Self:
        """With the sigmas by which the network will be scored, on the device it is fitted on."""
        return cls(label_sigma_px, torch.from_numpy(protocol.sigmas).to(device))


Answer = tuple[Tensor, ...]


def _simcc_kl(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    x, y, *_ = answer
    split = head.layout.simcc_split
    return simcc_loss(x, y, target.keypoints_px, target.joint_weight, split=split, sigma_px=scales.label_sigma_px)


def _simcc_sharp_kl(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    x, y, *_ = answer
    split, sharp = head.layout.simcc_split, LABEL_SHARPNESS
    points, weight, sigma_px = target.keypoints_px, target.joint_weight, scales.label_sigma_px
    return simcc_loss(x, y, points, weight, split=split, sigma_px=sigma_px, sharpness=sharp)


def _simcc_mle(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    assert isinstance(head, SimCCReading)  # `WeightedLoss` has refused others
    x, y, log_spread = (*answer[:2], answer[head.outputs.index(LOG_SPREAD)])
    points, weight, split = target.keypoints_px, target.joint_weight, head.layout.simcc_split
    return simcc_likelihood_loss(x, y, log_spread, points, weight, split=split, log_limits=head.log_scale_limits)


def _presence(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    logits = answer[head.outputs.index(PRESENCE)]
    if target.in_crop is None:
        return logits.sum() * 0
    return presence_loss(logits, target.in_crop, target.joint_weight)


def _heatmap_mse(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    assert isinstance(head, Heatmap)  # `WeightedLoss` has refused others
    (maps,) = answer
    sigma_px = scales.label_sigma_px
    return heatmap_loss(maps, target.keypoints_px, target.joint_weight, cell_px=head.cell_px, sigma_px=sigma_px)


def _oks(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    places = head.expected_px(answer)
    return oks_loss(places, target.keypoints_px, target.joint_weight, target.area_px2, scales.oks_sigmas)


def _smooth_l1(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    return smooth_l1_loss(head.expected_px(answer), target.keypoints_px, target.joint_weight)


def _wing(answer: Answer, target: Target, head: Head, scales: LossScales) -> Tensor:
    return wing_loss(head.expected_px(answer), target.keypoints_px, target.joint_weight)


LOSSES: Mapping[str, Callable[[Answer, Target, Head, LossScales], Tensor]] = {
    "simcc_kl": _simcc_kl,
    "simcc_sharp_kl": _simcc_sharp_kl,
    "simcc_mle": _simcc_mle,
    "heatmap_mse": _heatmap_mse,
    "oks": _oks,
    "smooth_l1": _smooth_l1,
    "wing": _wing,
    "presence": _presence,
}
NEEDS_HEAD: Mapping[str, type[SimCCReading] | type[Heatmap]] = {
    "simcc_kl": SimCCReading,
    "simcc_sharp_kl": SimCCReading,
    "simcc_mle": SimCCReading,
    "heatmap_mse": Heatmap,
    "presence": SimCCReading,
}
TEACHES: Mapping[str, str] = {"simcc_mle": "spread", "presence": "presence"}
"""Loss -> the option of the head whose output it alone teaches."""


class WeightedLoss:
    """The sum of the losses whose weight is not 0."""

    def __init__(self, weights: Mapping[str, float], head: Head, scales: LossScales) -> None:
        """Raises `ParamsError` for an unknown loss, one for another head, a negative weight, no weight above 0, or an
        output of the head that no loss teaches."""
        check_weights(weights)
        for name, weight in weights.items():
            if weight and not isinstance(head, NEEDS_HEAD.get(name, object)):
                raise ParamsError(f"losses.{name} does not fit the head", got=type(head).__name__, fix="set it to 0")
        for name, option in TEACHES.items():
            says = getattr(head, option, False)
            if bool(weights.get(name)) != says:
                what = f"losses.{name} and network_kwargs.{option}"
                got = f"weight {weights.get(name, 0):g} and {str(says).lower()}"
                raise ParamsError(what, expected="both or neither", got=got)
        self.weights = {name: float(weight) for name, weight in weights.items() if weight}
        self.head, self.scales = head, scales

    def __call__(self, answer: Answer, target: Target) -> Tensor:
        """A scalar; `answer` is the network's, in float32 or finer."""
        terms = [weight * LOSSES[name](answer, target, self.head, self.scales) for name, weight in self.weights.items()]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


def check_weights(weights: Mapping[str, float]) -> None:
    """Raise `ParamsError` unless `weights` is a weighted sum of losses in `LOSSES`."""
    unknown = sorted(set(weights) - set(LOSSES))
    if unknown:
        raise ParamsError("losses has an unknown name", expected=" | ".join(LOSSES), got=", ".join(unknown))
    bad = [name for name, weight in weights.items() if not _is_weight(weight)]
    if bad or not any(weights.values()):
        raise ParamsError("losses", expected="weights of 0 or more, one above 0", got=repr(dict(weights)))


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
