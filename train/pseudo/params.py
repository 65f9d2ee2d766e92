"""Section `pseudo-label` of params.yaml."""

from dataclasses import dataclass

from .filters import FilterParams
from .persons import PersonParams
from .trust_params import TrustParams


@dataclass(frozen=True, kw_only=True)
class PseudoLabelParams(TrustParams, FilterParams, PersonParams):
    """What accepted joints are to be, the thresholds where that cannot be had, and how people are followed."""

    track_overlap: float
    """Least overlap of one person's boxes in two frames (intersection over union)."""
    max_gap: int
    """Largest distance between frames that still count as neighbours in time."""
