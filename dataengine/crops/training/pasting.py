"""Rendered people pasted in front of a person: a cut-out hides joints as a real passer-by does, with a real outline.

Cut and paste is Dwibedi et al.'s (ICCV 2017) and Ghiasi et al.'s (CVPR 2021); in front of keypoints, Sárándi et al.'s
(2018). A joint that a cut-out covers becomes occluded and stays labelled, as with rectangles (`occlusion.py`).
"""

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import CropSpec
from dataengine.geometry.pixel_grid import pixel_of, within
from dataengine.keypoints import UNLABELLED

SCALE = (0.5, 1.1)  # of the cut-out person, against the person in the crop
LEAST_ASIDE, MOST_ASIDE = 0.15, 0.55  # from the crop's middle, as shares of its size
MOST_COVERED = 0.5  # share of the person's labelled joints; a cut-out that would cover more is not pasted
_OPAQUE = 128


def pasted_map(rng: np.random.Generator, spec: CropSpec) -> NDArray[np.float64]:
    """A map (2, 3) from the plain crop of the person who is cut out to where they are pasted."""
    size = np.array([spec.width_px, spec.height_px], dtype=np.float64)
    scale = float(np.exp(rng.uniform(*np.log(SCALE))))
    aside = rng.choice([-1.0, 1.0], 2) * rng.uniform([LEAST_ASIDE, 0.0], MOST_ASIDE) * size
    middle = (size - 1) / 2
    linear = scale * np.eye(2)
    return np.concatenate([linear, (middle - linear @ middle + aside)[:, None]], axis=1)


def covered_joints(
    cut_out: NDArray[np.uint8], points_px: NDArray[np.float64], visibility: NDArray[np.uint8]
) -> NDArray[np.bool_] | None:
    """Which joints (17,) the cut-out (H, W, 4), RGB and mask, covers; None if more than `MOST_COVERED` of them."""
    height, width = cut_out.shape[:2]
    column, line = pixel_of(points_px).T
    inside = within(points_px, (width, height))
    hit = cut_out[np.clip(line, 0, height - 1), np.clip(column, 0, width - 1), 3] >= _OPAQUE
    covered = np.asarray(inside & hit, dtype=np.bool_)
    labelled = visibility > UNLABELLED
    return None if (covered & labelled).sum() > MOST_COVERED * labelled.sum() else covered
