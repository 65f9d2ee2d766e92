"""What one network says of labels that it did not learn from: how likely each joint is to lie at each place.

Networks that answer with a map are asked for the map itself (`folds.py`): one that was fitted by the mean squared error
to Gaussian bumps estimates the expected bump, which is how likely the joint lies near there, and knows that a wrist is
either here or there. Of others only the best place and a confidence are known. `from_points` makes a density of those:
a bivariate t distribution about the place, whose width is what the set's own labels show at such a confidence. Its tail
is as heavy as that of networks, which are right or far off.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import FLIP_INDEX
from dataengine.people import JOINTS

from .hypotheses import OWN, Floats, Questions

BANDS = 8  # of confidence
# Degrees: a Cauchy's. On 2,400 people of LSPET the AUROC of moved joints is 0.948; with 2 degrees 0.943, with 16 0.915.
FREEDOM = 1.0
_LEAST_IN_BAND = 20  # labels that a width is read from; with fewer, the band above joins it
_NARROWEST = 0.005  # of the person's size: below it a width says more of rounding than of the network


@dataclass(frozen=True, eq=False)
class Witness:
    """One network's say on n people."""

    name: str
    keypoints_px: Floats  # (n, 17, 2) where it sees the joints
    confidence: Floats  # (n, 17) 0..1
    log_density: Floats  # (n, 17, PLACES) of the questions' places, up to a constant


def from_points(name: str, points_px: Floats, confidence: Floats, asked: Questions, size_px: Floats) -> Witness:
    """A witness of places and confidences alone; joints of both sides share their widths.

    The density of a bivariate t distribution with nu degrees of freedom and scale s at distance r is, up to a constant,
    s^-2 (1 + r^2 / (nu s^2))^-((nu + 2) / 2), and half of it lies within r^2 = nu s^2 (2^(2 / nu) - 1) (Kotz and
    Nadarajah, "Multivariate t Distributions and Their Applications", 2004), which the median distance of a band is set
    to. Medians do not heed the few per cent of labels that are wrong.
    """
    distance = np.linalg.norm(asked.places - points_px[:, :, None], axis=3) / size_px[:, None, None]
    scale = np.ones(confidence.shape)
    for joint in np.flatnonzero(np.arange(JOINTS) <= FLIP_INDEX):
        both = np.unique([joint, FLIP_INDEX[joint]])
        scale[:, both] = _scales(distance[:, both, OWN], confidence[:, both], asked.labelled[:, both])
    spread = scale[..., None] ** 2
    density = -np.log(spread) - (FREEDOM + 2) / 2 * np.log1p(distance**2 / (FREEDOM * spread))
    return Witness(name, points_px, confidence, density)


def _scales(distance: Floats, confidence: Floats, labelled: NDArray[np.bool_]) -> Floats:
    """Scales (n, k) of joints by the band that their confidence is in."""
    known = confidence[labelled]
    if not len(known):
        return np.ones(confidence.shape)
    bands = max(1, min(BANDS, len(known) // _LEAST_IN_BAND))
    band = np.searchsorted(np.quantile(known, np.arange(1, bands) / bands), confidence)
    middle = np.median(distance[labelled])
    medians = [np.median(chosen) if len(chosen := distance[labelled & (band == b)]) else middle for b in range(bands)]
    widths = np.maximum(np.array(medians), _NARROWEST)
    return np.asarray((widths / np.sqrt(FREEDOM * (2 ** (2 / FREEDOM) - 1)))[band])
