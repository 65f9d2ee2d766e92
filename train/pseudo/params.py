"""Section `pseudo-label` of params.yaml."""

from dataclasses import dataclass

from dataengine.errors import ParamsError
from dataengine.params import require_within
from dataengine.people import JOINTS

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

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (
            *("blazepose_confidence", "fitted_confidence", "lone_teacher_trust", "max_disputed_share"),
            "track_overlap",
        ):
            require_within(self, name, 0, 1)
        require_within(self, "min_joints", 0, JOINTS)
        for name in (
            *("flip_tolerance", "agreement_tolerance", "temporal_tolerance", "max_limb_excess", "min_track_frames"),
            "max_gap",
        ):
            if not getattr(self, name) >= 0:
                raise ParamsError(name, expected="0 or more", got=repr(getattr(self, name)))
