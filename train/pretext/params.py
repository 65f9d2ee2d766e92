"""Section `pretrain` of params.yaml, on top of `fit`: which tasks teach the network, and for how long."""

from dataclasses import dataclass

from dataengine.errors import ParamsError

from ..fit.params import FitParams

SECTION = "pretrain"
LEAST_BATCH = 6  # two triples, and three moments seen by two cameras
_OFF = {"only": None, "curriculum": (), "old_test": None, "pretrained": None, "patience": 0, "accumulate": 1}
"""Params of a fit that mean nothing without labels, and what they must be."""


@dataclass(frozen=True, kw_only=True)
class PretrainParams(FitParams):
    """The keys of a fit, of which losses and augmentation are not used, and the tasks."""

    order_weight: float = 1.0
    """Weight of the order of moments: which of three crops of a person lies between the other two in time."""
    views_weight: float = 1.0
    """Weight of the agreement of views: which crop of another camera shows the same moment."""
    order_gap_s: tuple[float, float] = (0.05, 0.4)
    """Seconds from the moment in the middle to each of the two others, [lowest, highest]."""
    margin_s: float = 0.1
    """Another moment counts as one from this many seconds on: nearer ones look the same."""
    temperature: float = 0.1
    """Divides the cosines that views are compared by: lower ones make the hardest negatives count for more."""
    held_share: float = 0.25
    """Share of each film's time, its end, that is not learnt from: there both tasks are measured."""
    most_crops: int = 8000
    """Crops held in memory, 80 KB each at 128 x 128; every film is used up to its share of them."""
    shift: float = 0.06
    """Largest shift of each crop, share of its side, so that the place in the crop gives no answer away."""
    scale: float = 0.1
    """Largest change of each crop's size, share, for the same reason."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("order_weight", "views_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ParamsError(name, expected="0 or more", got=repr(getattr(self, name)))
        if not self.order_weight + self.views_weight:
            raise ParamsError("order_weight and views_weight are 0", fix="set one of them above 0")
        low, high = self.order_gap_s
        if not 0 < low <= high < float("inf"):
            raise ParamsError("order_gap_s", expected="[lowest, highest], above 0", got=str(list(self.order_gap_s)))
        for name in ("margin_s", "temperature"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ParamsError(name, expected="above 0", got=repr(getattr(self, name)))
        for name, most in (("held_share", 0.9), ("shift", 0.25), ("scale", 0.25)):
            if not 0 <= getattr(self, name) <= most or (name == "held_share" and not self.held_share):
                expected = f"above 0, {most} at most" if name == "held_share" else f"0 to {most}"
                raise ParamsError(name, expected=expected, got=repr(getattr(self, name)))
        for name, least in (("batch", LEAST_BATCH), ("most_crops", LEAST_BATCH)):
            if getattr(self, name) < least:
                raise ParamsError(name, expected=f"{least} or more", got=repr(getattr(self, name)))
        if self.people_per_epoch is None:
            raise ParamsError("people_per_epoch", expected="a number of crops", got="null")
        for name, off in _OFF.items():
            if getattr(self, name) != off:
                expected, got = ("null" if value is None else repr(value) for value in (off, getattr(self, name)))
                raise ParamsError(f"{name} means nothing without labels", expected=expected, got=got)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of `batch` crops for each task."""
        return max(1, (self.people_per_epoch or 0) // self.batch)
