"""What is wrong with each joint of a detection: jitter, inversion, swap or miss.

After Ronchi & Perona, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation", ICCV 2017, sect. 3.2.
A joint is compared with the joint it should be, with its left/right partner, and with both of everyone else in the
image. The one it is most similar to decides the error: its own, well (good) or less well (jitter); its partner
(inversion); another person's (swap); none (miss).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dataengine.evaluation.ap.matching import Pairs
from dataengine.evaluation.ap.oks_formula import EPS, exponent
from dataengine.keypoints import FLIP_INDEX

NOT_JUDGED, GOOD, JITTER, INVERSION, SWAP, MISS = -1, 0, 1, 2, 3, 4
JOINT_ERRORS = ("good", "jitter", "inversion", "swap", "miss")  # names of the codes from `GOOD` on
# Similarity below which a joint is a miss, and from which it is as good as people label it (ibid., sect. 3.2: about
# the similarity between human annotators).
MISSED_BELOW, GOOD_FROM = 0.5, 0.85


@dataclass(frozen=True, eq=False)
class JointErrors:
    """The error of each joint of d detections, rows as in `Pairs.detections`."""

    # (d, j) code of `JOINT_ERRORS`; `NOT_JUDGED` if the joint is not labelled or the detection is false
    kind: NDArray[np.int8]
    similarity: NDArray[np.float64]  # (d, j) with the joint it is most similar to, 0..1
    corrected_px: NDArray[np.float64]  # (d, j, 2) where it would be without the error, see `corrected`


def joint_errors(pairs: Pairs, person: NDArray[np.int64]) -> JointErrors:
    """Judge the joints of every detection that has a `person` (d,), a row of `pairs.truths`; -1 for nobody."""
    kind = np.full(pairs.detections.keypoints_px.shape[:2], NOT_JUDGED, dtype=np.int8)
    similarity = np.zeros(kind.shape)
    _judge(
        pairs.detections.keypoints_px,
        person,
        pairs.detections.image,
        pairs.truth_start,
        pairs.truths.keypoints_px,
        pairs.truths.labelled,
        pairs.truths.area,
        (pairs.protocol.sigmas * 2) ** 2,
        FLIP_INDEX,
        kind,
        similarity,
    )
    return JointErrors(kind, similarity, _corrected(pairs, person, kind, similarity))


def _corrected(
    pairs: Pairs, person: NDArray[np.int64], kind: NDArray[np.int8], similarity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Joints (d, j, 2) moved next to the true ones, at the distance that fixing their error leaves.

    A jitter is fixed to `GOOD_FROM`, a miss to `MISSED_BELOW`; an inversion or a swap to the similarity that it has
    with the wrong joint, as if the same estimate had been given to the right one (ibid., sect. 3.2).
    """
    target = np.select([kind == JITTER, kind == MISS], [GOOD_FROM, MISSED_BELOW], np.clip(similarity, EPS, 1.0))
    at = np.maximum(person, 0)
    scale = 2 * pairs.protocol.sigmas * np.sqrt(pairs.truths.area[at] + EPS)[:, None]
    aside = scale * np.sqrt(-2 * np.log(target))
    place = pairs.truths.keypoints_px[at].copy()
    place[:, :, 0] += aside
    return np.where((kind > GOOD)[:, :, None], place, pairs.detections.keypoints_px)


@njit(cache=True)
def _judge(
    found_px: NDArray[np.float64],
    person: NDArray[np.int64],
    image: NDArray[np.int64],
    truth_start: NDArray[np.int64],
    truth_px: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    area: NDArray[np.float64],
    variances: NDArray[np.float64],
    flip: NDArray[np.int64],
    kind: NDArray[np.int8],
    similarity: NDArray[np.float64],
) -> None:
    for found in range(len(found_px)):
        own = person[found]
        if own < 0:
            continue
        for joint in range(found_px.shape[1]):
            if not labelled[own, joint]:
                continue
            best, error = -1.0, MISS
            for flipped in (False, True):  # the first of equals is taken: one's own, then others', then the partners
                column = flip[joint] if flipped else joint
                for offset in range(-1, truth_start[image[found] + 1] - truth_start[image[found]]):
                    truth = own if offset < 0 else truth_start[image[found]] + offset
                    if not labelled[truth, column] or (offset >= 0 and truth == own):
                        continue
                    dx = found_px[found, joint, 0] - truth_px[truth, column, 0]
                    dy = found_px[found, joint, 1] - truth_px[truth, column, 1]
                    alike = np.exp(-exponent(dx * dx + dy * dy, variances[joint], area[truth]))
                    if alike > best:
                        best = alike
                        error = SWAP if truth != own else INVERSION if flipped else JITTER
            if best < MISSED_BELOW:
                error = MISS
            elif error == JITTER and best >= GOOD_FROM:
                error = GOOD
            kind[found, joint] = error
            similarity[found, joint] = best
