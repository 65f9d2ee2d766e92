"""Half bodies: crops around the upper or the lower half of a person, for people whom a picture or a thing cuts off.

The augmentation of MSPN (Li et al., "Rethinking on Multi-Stage Networks for Human Pose Estimation", 2019) with the
least numbers of joints that mmpose's `RandomHalfBody` asks for. The half's crop lies within the plain crop, so that it
needs no pixels beyond those that are kept for a person anyway, and enlarges by `MOST_ZOOM` at most.
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec
from dataengine.geometry.pixel_grid import within
from dataengine.keypoints import VISIBLE

HALF_DRAWS = 2  # uniform numbers that one person takes
LOWER = np.arange(17) >= 11  # hips, knees, ankles
LEAST_OF_A_PERSON, LEAST_OF_A_HALF = 8, 3  # visible joints; with fewer a person stays whole
UPPER_SHARE = 0.7  # of the half bodies, where both halves have enough joints
MOST_ZOOM = 2.0


def half_bodies(
    draws: NDArray[np.float64],
    share: float,
    points_px: NDArray[np.float64],
    visibility: NDArray[np.uint8],
    spec: CropSpec,
) -> NDArray[np.float64]:
    """Maps (b, 2, 3) from the plain crop to that of a half of the person; the identity for those who stay whole.

    Args:
        draws: (b, `HALF_DRAWS`), uniform in 0..1.
        share: Share of the people who are halved, if they have joints enough.
        points_px: (b, 17, 2) joints in pixels of the plain crop.
        visibility: (b, 17); visible joints make the box.
        spec: The crop.
    """
    size = np.array([spec.width_px, spec.height_px], dtype=np.float64)
    seen = (visibility == VISIBLE) & within(points_px, (spec.width_px, spec.height_px))
    upper, lower = (seen & half for half in (~LOWER, LOWER))
    enough = [half.sum(axis=1) >= LEAST_OF_A_HALF for half in (upper, lower)]
    takes_upper = enough[0] & (~enough[1] | (draws[:, 1] < UPPER_SHARE))
    halved = (draws[:, 0] < share) & (seen.sum(axis=1) >= LEAST_OF_A_PERSON) & (enough[0] | enough[1])
    joints = np.where(takes_upper[:, None], upper, lower)[..., None]
    low, high = (
        points_px.min(axis=1, initial=np.inf, where=joints),
        points_px.max(axis=1, initial=-np.inf, where=joints),
    )
    low, high = (np.where(halved[:, None], edge, whole) for edge, whole in ((low, 0.0), (high, size - 1)))
    extent = np.clip(((high - low) / size).max(axis=1) * spec.padding, 1 / MOST_ZOOM, 1.0)  # of the plain crop's
    extent = np.where(halved, extent, 1.0)[:, None]
    room = (1 - extent) / 2 * size  # how far its middle may lie from the plain crop's
    middle = np.clip((low + high) / 2, (size - 1) / 2 - room, (size - 1) / 2 + room)
    maps = np.zeros((len(draws), 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = 1 / extent[:, 0]
    maps[:, :, 2] = (size - 1) / 2 - middle / extent
    return maps
