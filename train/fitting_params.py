"""What the two fitting stages can be told: one section each in ``params.yaml``."""

from dataclasses import dataclass
from typing import Any

from dataengine.crops.augment import AugmentParams
from dataengine.errors import ParamsError


@dataclass(frozen=True, kw_only=True)
class FitParams:
    """Network, schedule and augmentation."""

    seed: int
    """Seeds weights and augmentation; the mix has its own seed."""
    network: str
    """Name in the table of networks."""
    network_kwargs: dict[str, Any]
    """The network's own arguments, for example channels and blocks."""
    input_width_px: int
    input_height_px: int
    """Size of the crop that the network sees; the residual network needs multiples of 16."""
    crop_padding: float
    """Extent of the crop over that of the person's box."""
    label_sigma_px: float
    """Width of the Gaussian labels, crop pixels."""
    epochs: int
    """Validations, log points and resume points of the run."""
    draws_per_epoch: int
    """How often the mix is drawn in one epoch: small sets need many passes but not a validation after each."""
    batch: int
    learning_rate: float
    """At the top of the schedule."""
    weight_decay: float
    """AdamW's, on matrices and kernels only."""
    warmup_share: float
    """Share of all steps in which the learning rate rises; it then falls as a cosine."""
    ema_decay: float
    """Of the average of the weights that is validated and shipped."""
    clip_norm: float
    """Longest gradient that is let through."""
    augment: AugmentParams

    def __post_init__(self) -> None:
        for name in ("epochs", "draws_per_epoch", "batch", "learning_rate", "label_sigma_px", "clip_norm"):
            if getattr(self, name) <= 0:
                raise ParamsError(f"params {name}", expected="above 0", got=repr(getattr(self, name)))
        for name in ("warmup_share", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ParamsError(f"params {name}", expected="0 or more and below 1", got=repr(getattr(self, name)))
