"""How long 10,000 paired resamples of two models' AP take at the size of COCO's validation set.

5,000 images, each a cluster, 11,000 people, 50,000 detections of either model; matching is not part of it, and a small
draw comes first so that compiling is not either. The peer is one plain numpy AP per resample, cumulative sums over
whole tables, timed on a few resamples and scaled up.
"""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dataengine.bench.oks import DETECTIONS, IMAGES, PEOPLE, random_set
from dataengine.bench.record import Figure
from dataengine.evaluation.analysis.bootstrap import draw_ap, paired_intervals
from dataengine.evaluation.ap.matching import Matches, pair_up
from dataengine.evaluation.ap.poses import detections_of_records, truths_of_records
from dataengine.evaluation.ap.protocol import COCO

RESAMPLES, PEER_RESAMPLES = 10_000, 20


def run() -> Iterator[Figure]:
    """``bootstrap.10k_s``."""
    first, second = two_models()
    clusters = np.arange(IMAGES)
    draw_ap([first, second], clusters, resamples=4, rng=np.random.default_rng(0))
    start = time.perf_counter()
    paired_intervals(first, second, clusters, resamples=RESAMPLES, level=0.95, rng=np.random.default_rng(0))
    ours = time.perf_counter() - start
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(PEER_RESAMPLES):
        weight = rng.multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES)).astype(np.float64)
        table_ap(first, weight)
        table_ap(second, weight)
    peer = (time.perf_counter() - start) * RESAMPLES / PEER_RESAMPLES
    yield Figure("bootstrap.10k_s", ours, "s", peer)


def two_models() -> tuple[Matches, Matches]:
    """Two models on one set; the second is the first with its joints moved a little and other scores."""
    data = random_set(IMAGES, PEOPLE, DETECTIONS, seed=0)
    truths, image_id = truths_of_records(data.annotations, [image["id"] for image in data.images])
    rng = np.random.default_rng(1)
    models = []
    for shift_px in (0.0, 2.0):
        found = detections_of_records(data.results, image_id, COCO.joints)
        found.keypoints_px[:] += rng.normal(0, shift_px, found.keypoints_px.shape)
        found.score[:] += rng.normal(0, 0.02 * shift_px, len(found))
        models.append(pair_up(truths, found, image_id).match())
    return models[0], models[1]


def table_ap(matches: Matches, weight: NDArray[np.float64]) -> float:
    """AP under weights in plain numpy: a table of detections by thresholds."""
    each = weight[matches.detection_image]
    true = np.cumsum(matches.is_true * each, axis=1)
    false = np.cumsum(matches.is_false * each, axis=1)
    precision = true / (true + false + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)
    recall = true / (weight @ matches.persons)
    return float(np.mean([row[np.searchsorted(r, matches.recall_points)] for row, r in zip(best, recall, strict=True)]))
