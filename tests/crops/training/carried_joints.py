"""What the loader says about two views of one person, for joints in numpy."""

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.spec import apply_affine
from dataengine.crops.training.augment import swap_sides


def carry_joints(
    points_px: NDArray[np.float64], strong_from_weak: NDArray[np.float64], mirrored: bool
) -> NDArray[np.float64]:
    """Joints (17, 2) that were found in the weak view, as pixels and names of the strong one."""
    carried = apply_affine(strong_from_weak, points_px)
    return swap_sides(carried) if mirrored else carried
