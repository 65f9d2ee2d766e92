"""What a teacher's answer says about each joint: numbers from which its probability of being right follows."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from ..pseudo.filters import Opinion

SIGNS = ("confidence", "steadiness", "person's confidence", "person's steadiness")
LEAST_CONFIDENCE = 1e-4  # a logit is finite
BLUR = 0.01  # share of a person's size below which differences of answers say nothing


def joint_signs(opinion: Opinion, size_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Signs (n, 17, 4) of one teacher's joints, in the order of `SIGNS`, for people of `size_px` (n, 1).

    The logit of the confidence, the logarithm of the distance between the answers on picture and mirror image as a
    share of the person's size, and the means of both over the person.
    """
    sure = logit(np.clip(opinion.confidence, LEAST_CONFIDENCE, 1 - LEAST_CONFIDENCE))
    apart = np.log(opinion.flip_distance_px / size_px + BLUR)
    own = np.stack([sure, apart], axis=2)
    means = np.broadcast_to(own.mean(axis=1, keepdims=True), own.shape)
    return np.concatenate([own, means], axis=2)
