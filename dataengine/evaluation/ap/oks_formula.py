"""The formula of COCO's object keypoint similarity (https://cocodataset.org/#keypoints-eval), written once.

A joint's similarity is exp(-d^2 / (2 s^2 k^2)): d its distance to the label, s^2 the person's area, k = 2 sigma. OKS is
the mean over the labelled joints. `exponent` serves numpy arrays and compiled loops alike; numba caches a loop by the
loop's own file, so after a change here the `__pycache__` folders of `evaluation/ap` and `evaluation/analysis` have to
be deleted.
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from dataengine.keypoints import COCO_SIGMAS

EPS = float(np.spacing(1))  # pycocotools adds it to the area, so that an empty person divides by something
Floats = NDArray[np.floating[Any]]


@register_jitable
def exponent(squared_px2: Any, variance: Any, area_px2: Any) -> Any:
    """Minus the exponent of the similarity, numbers or arrays, in pycocotools' order of operations to the last bit.

    `squared_px2` is the joint's squared distance, `variance` is (2 sigma)^2.
    """
    return squared_px2 / variance / (area_px2 + EPS) / 2


def joint_similarities(
    found_px: Floats, truth_px: Floats, area_px2: Floats, sigmas: NDArray[np.float64] = COCO_SIGMAS
) -> NDArray[np.float64]:
    """Similarity (n, j) of each joint of the poses (n, j, 2) with the joint in the same place, labelled or not.

    `area_px2` (n,) is that of the people, `sigmas` (j,) those of the joints.

    >>> truth, found = np.zeros((1, 17, 2)), np.full((1, 17, 2), 3.0)
    >>> joint_similarities(found, truth, np.array([2500.0]))[0, [0, 11]].round(3)  # a nose, a hip: 4.2 px off
    array([0.264, 0.924])
    """
    squared = ((np.asarray(found_px, dtype=np.float64) - truth_px) ** 2).sum(axis=2)
    return np.asarray(np.exp(-exponent(squared, (2 * sigmas) ** 2, np.asarray(area_px2)[:, None])))


def mean_similarity(similarity: NDArray[np.float64], labelled: NDArray[np.bool_]) -> NDArray[np.float64]:
    """OKS (n,) from the similarity (n, j) of each joint and whether it is `labelled`; 0 where none is.

    >>> similarity = np.array([[0.9, 0.5, 0.1]])
    >>> mean_similarity(similarity, np.array([[True, True, False]]))  # the third joint is not labelled
    array([0.7])
    """
    return np.asarray((similarity * labelled).sum(axis=1) / np.maximum(labelled.sum(axis=1), 1))
