"""The parts that are compared, as changes of a fit's params. Adding a part: a function and a line in `PARTS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ...fit.learnt_from.curriculum import Phase
from ...fit.params import FitParams

BASE_PART = "as it is"
HALF_BODY_SHARE = 0.3  # mmpose's
OF_SIMCC = ("maps_per_joint",)  # options of the plain head
WEAK = {"shift": 0.0, "photometric_share": 0.0, "dropout_share": 0.0}  # what RTMPose's second stage tones down
WEAK_EPOCHS = 4  # a quarter of the epochs is weak
PRESENCE_WEIGHT = 0.1  # a sum over 17 joints, next to a divergence of about 1


@dataclass(frozen=True)
class PartTrial:
    """One fit."""

    part: str
    """Name in `PARTS`."""
    seed: int


def half_bodies(params: FitParams) -> FitParams:
    """A share of samples shows half of a person."""
    return replace(params, augment=replace(params.augment, half_body_share=HALF_BODY_SHARE))


def rtmcc(params: FitParams) -> FitParams:
    """RTMPose's head on the labels of the fit."""
    kwargs = {key: value for key, value in params.network_kwargs.items() if key not in OF_SIMCC}
    return replace(params, head="rtmcc", network_kwargs=kwargs)


def rtmcc_labels(params: FitParams) -> FitParams:
    """RTMPose's head and labels: its sigma of 5.66 bins of half a pixel at 256 px is 1.42 px of 128."""
    height_px = params.input_height_px
    sigma_px = 5.66 / 2 * height_px / 256
    return replace(rtmcc(params), losses={"simcc_sharp_kl": 1.0}, label_sigma_px=sigma_px)


def two_stages(params: FitParams) -> FitParams:
    """The last quarter of the epochs with weak augmentation, on the same fall of the learning rate."""
    weak = max(1, params.epochs // WEAK_EPOCHS)
    return replace(params, curriculum=(Phase(params.epochs - weak), Phase(weak, augment=WEAK, goes_on=True)))


def likelihood(params: FitParams) -> FitParams:
    """A learnt spread, and RTMO's maximum likelihood instead of the fit's losses."""
    return replace(params, network_kwargs={**params.network_kwargs, "spread": True}, losses={"simcc_mle": 1.0})


def likelihood_besides(params: FitParams) -> FitParams:
    """A learnt spread, and the likelihood next to the fit's losses."""
    return replace(likelihood(params), losses={**params.losses, "simcc_mle": 1.0})


def presence(params: FitParams) -> FitParams:
    """Whether a joint lies in the crop, learnt besides."""
    kwargs = {**params.network_kwargs, "presence": True}
    return replace(params, network_kwargs=kwargs, losses={**params.losses, "presence": PRESENCE_WEIGHT})


def presence_of_halves(params: FitParams) -> FitParams:
    """The same where half bodies show what it is to be cut away."""
    return half_bodies(presence(params))


PARTS: Mapping[str, Callable[[FitParams], FitParams]] = {
    BASE_PART: lambda params: params,
    "half bodies": half_bodies,
    "two stages": two_stages,
    "rtmcc": rtmcc,
    "rtmcc and its labels": rtmcc_labels,
    "mle": likelihood,
    "kl and mle": likelihood_besides,
    "presence": presence,
    "presence and half bodies": presence_of_halves,
}
