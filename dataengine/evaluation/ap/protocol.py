"""How a set is scored: sigmas, thresholds, area ranges and the number of detections per image.

`COCO` and `CROWDPOSE` are the published ones; `own_sigmas.load_protocol` gives a project's own. Adding a protocol: make
an `OksProtocol`; everything that scores takes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.keypoints import COCO_SIGMAS

EVERY_SIZE = "all"
# pycocotools' `Params.setKpParams`: people below 32 px square are in no range but the first.
COCO_AREAS: Mapping[str, tuple[float, float]] = {
    EVERY_SIZE: (0.0, 1e5**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e5**2),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class OksProtocol:
    """What pycocotools calls `Params`, for keypoints."""

    sigmas: NDArray[np.float64]
    """(j,) falloff of each joint, in units of the person's scale (https://cocodataset.org/#keypoints-eval)."""
    sigmas_name: str = ""
    """What metrics and verdicts call them."""
    max_detections: int = 20
    """Keep at most this many detections per image, best first."""
    thresholds: NDArray[np.float64] = field(default_factory=lambda: np.linspace(0.5, 0.95, 10))
    """(t,) OKS from which a detection is a match."""
    recall_points: NDArray[np.float64] = field(default_factory=lambda: np.linspace(0.0, 1.0, 101))
    """(r,) recall at which precision is read, rising."""
    areas: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(COCO_AREAS))
    """Name and bounds of each area range, px^2, both inclusive; the first leaves nobody out."""

    def __post_init__(self) -> None:
        if self.sigmas.ndim != 1 or not (self.sigmas > 0).all():
            raise ParamsError("OKS sigmas are malformed", expected="one positive number per joint")
        if self.max_detections < 1:
            raise ParamsError("max_detections", expected="1 or more", got=str(self.max_detections))
        if (np.diff(self.thresholds) <= 0).any() or (np.diff(self.recall_points) <= 0).any():
            raise ParamsError("OKS thresholds and recall points must rise")

    @property
    def joints(self) -> int:
        """Number of joints of a pose."""
        return len(self.sigmas)


COCO = OksProtocol(sigmas=COCO_SIGMAS, sigmas_name="COCO")

# Order and sigmas of CrowdPose's own `crowdposetools` (Li et al., CVPR 2019): shoulders, elbows, wrists, hips, knees,
# ankles, head top, neck. It knows one area range only, and takes 0.53 of the box for a person's area.
CROWDPOSE = OksProtocol(
    sigmas=np.array([0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89, 0.79, 0.79]) / 10,
    sigmas_name="CrowdPose",
    areas={EVERY_SIZE: COCO_AREAS[EVERY_SIZE]},
)
