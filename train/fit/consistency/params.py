"""Params of learning from people without labels: key `consistency` of section ``fit-student``."""

from dataclasses import dataclass, field
from typing import Literal

from dataengine.crops.training.augment import AugmentParams
from dataengine.errors import ParamsError
from dataengine.people import JOINTS


def _strong() -> AugmentParams:
    return AugmentParams(
        rotation_deg=45,
        rotation_share=0.8,
        scale=0.35,
        shift=0.06,
        flip_share=0.5,
        photometric_share=0.5,
        dropout_share=0.2,
    )


@dataclass(frozen=True)
class ConsistencyParams:
    """How people without labels are learned from."""

    mode: Literal["none", "ema", "two"] = "none"
    """Who teaches: nobody; the student's own average of the weights; or the average of a second network, which the
    student's average teaches in turn and which is not shipped."""
    weight: float = 1.0
    """The loss's weight, next to that of the labels."""
    ramp_share: float = 0.3
    """Share of all steps in which the weight rises."""
    unlabelled_per_labelled: float = 1.0
    """People without labels in each batch, per person drawn from the mix."""
    least_confidence: float = 0.5
    """A teacher's joint below it is not learned; 0 learns all. It is the confidence that the network states: the curves
    that make it a share (`joint_confidence`) are learnt at the end of the fit."""
    cutouts: int = 2
    """Joints, of those that are learned, that are blotted out in a person's strong view."""
    rare_cutouts: int = 4
    """The same for people of rare pose clusters, where `--balance` names them."""
    strong: AugmentParams = field(default_factory=_strong)
    """The strong view; the weak one is the plain crop."""

    def __post_init__(self) -> None:
        for name in ("weight", "unlabelled_per_labelled"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ParamsError(name, expected="above 0 (mode: none switches it off)", got=repr(getattr(self, name)))
        for name in ("ramp_share", "least_confidence"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParamsError(name, expected="0 to 1", got=repr(getattr(self, name)))
        for name in ("cutouts", "rare_cutouts"):
            if not 0 <= getattr(self, name) <= JOINTS:
                raise ParamsError(name, expected=f"0 to {JOINTS}", got=repr(getattr(self, name)))
