"""Which joints a picture can show: one that lies outside cannot be a label, however sure somebody is of its place."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def inside_picture(keypoints_px: NDArray[np.floating[Any]], size_px: ArrayLike) -> NDArray[np.bool_]:
    """Whether joints (n, 17, 2) lie in their pictures of (width, height) `size_px` (n, 2) or (2,); (n, 17).

    >>> inside_picture(np.array([[[0.0, 5.0], [-0.1, 5.0], [5.0, 10.0]]]), (10, 10))
    array([[ True, False, False]])
    """
    size = np.asarray(size_px)[..., None, :]
    return np.asarray(((keypoints_px >= 0) & (keypoints_px < size)).all(axis=-1))
