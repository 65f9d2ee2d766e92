"""OKS of every person with every detection of the same image, in blocks of bounded memory."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dataengine.evaluation.ap import oks_kernels
from dataengine.evaluation.ap.poses import Detections, Truths
from dataengine.evaluation.ap.protocol import OksProtocol

PAIRS_AT_ONCE = 500_000  # bounds the table of similarities to about 70 MB


def similarities(
    truths: Truths,
    detections: Detections,
    protocol: OksProtocol,
    *,
    truth_start: NDArray[np.int64],
    detection_start: NDArray[np.int64],
    pair_start: NDArray[np.int64],
) -> NDArray[np.float64]:
    """OKS (p,) of the pairs of all images, laid out as `oks_kernels` says.

    The exponential is numpy's own, whose last bit differs from the C library's.
    """
    oks = np.empty(pair_start[-1])
    labelled_joints = np.count_nonzero(truths.labelled, axis=1)
    variances = (protocol.sigmas * 2) ** 2
    for first, last in _blocks(pair_start):
        table = np.zeros((pair_start[last] - pair_start[first], protocol.joints))
        oks_kernels.exponents(
            truths.keypoints_px,
            truths.labelled,
            truths.box_xywh_px,
            truths.area,
            detections.keypoints_px,
            variances,
            truth_start,
            detection_start,
            first,
            last,
            table,
        )
        np.exp(table, out=table)
        oks_kernels.mean_similarity(
            table, labelled_joints, truth_start, detection_start, first, last, oks[pair_start[first] : pair_start[last]]
        )
    return oks


def _blocks(pair_start: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of images with about `PAIRS_AT_ONCE` pairs each."""
    first = 0
    while first < len(pair_start) - 1:
        last = int(np.searchsorted(pair_start, pair_start[first] + PAIRS_AT_ONCE, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last
