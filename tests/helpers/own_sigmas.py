"""Sigmas of annotators who are more exact than COCO's, for tests of what scores and learns by them."""

from pathlib import Path

import numpy as np

from dataengine.evaluation.own_sigmas import JointSigma, OwnSigmas, write_sigmas
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS

LACKING = ("left_ear", "right_ear")
OWN = OwnSigmas(
    joints={
        name: JointSigma(sigma=sigma, low=sigma / 2, high=sigma * 2, pairs=30)
        for name, sigma in zip(COCO_KEYPOINTS, (COCO_SIGMAS * np.linspace(0.4, 0.8, 17)).tolist(), strict=True)
        if name not in LACKING
    },
    people=30,
    pictures=12,
    level=0.95,
)
"""Without those of the ears, which are COCO's."""
OWN_PROTOCOL = OWN.protocol


def params_with_own_sigmas(folder: Path) -> str:
    """The section `oks` of a params.yaml, and the file that it names in `folder`."""
    return f"oks: {{sigmas: {write_sigmas(folder, OWN).as_posix()}}}\n"
