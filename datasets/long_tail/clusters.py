"""Clusters of poses, fitted once on the training people; `dataengine.poses.clusters` stores them and looks people up.

Up to `LARGE_POSES` poses are clustered by k-means from several starts. More are clustered from one start, brought near
by mini-batches (Sculley, "Web-scale k-means clustering", WWW 2010) and finished by a few rounds of k-means over all.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.poses.clusters import DECIMALS, UNCLUSTERED, nearest_centre
from dataengine.poses.embedding import LEAST_BONES
from dataengine.terminal.progress import track

LARGE_POSES = 20_000
_STARTS = 10  # k-means keeps the best of these
_QUIET_BELOW_POSES = 1000  # fewer than these are clustered within a second or two: no bar
_BATCH = 4096
_FINISHING_ROUNDS = 5


def fit_centres(poses: NDArray[np.floating[Any]], clusters: int, seed: int) -> NDArray[np.float64]:
    """Centres (k, d) of vectors (n, d), the largest cluster's first; fewer where there are fewer different poses.

    Raises InputError when there are no poses.
    """
    if not len(poses):
        raise InputError(
            "no pose to cluster",
            expected=f"people with at least {LEAST_BONES} labelled limbs or torso sides",
            got="nobody",
            fix="check the keypoints that ingest wrote",
        )
    k = min(clusters, _different(poses, clusters))
    fit = _k_means if len(poses) <= LARGE_POSES else _mini_batch_k_means
    centres = fit(poses, k, seed).astype(np.float64).round(DECIMALS)
    counts = np.bincount(nearest_centre(poses, centres)[0], minlength=k)
    largest_first = np.argsort(-counts, kind="stable")
    return centres[largest_first[counts[largest_first] > 0]]


def medoids(cluster: NDArray[np.int64], squared_distance: NDArray[np.float64], clusters: int) -> NDArray[np.int64]:
    """Row (k,) of the member nearest to each centre, from each person's cluster and distance (n,); -1 for nobody."""
    nearest = np.full(clusters, -1, dtype=np.int64)
    order = np.lexsort((squared_distance, cluster))
    order = order[cluster[order] != UNCLUSTERED]
    with_members, first = np.unique(cluster[order], return_index=True)
    nearest[with_members] = order[first]
    return nearest


def _different(poses: NDArray[np.floating[Any]], enough: int) -> int:
    """How many different poses there are; it may stop counting at `enough`."""
    several = len(np.unique(poses[: 10 * enough].round(DECIMALS), axis=0))
    return several if several >= enough else len(np.unique(poses.round(DECIMALS), axis=0))


def _k_means(poses: NDArray[np.floating[Any]], k: int, seed: int) -> NDArray[np.floating[Any]]:
    """Centres (k, d) of the best of several fits by their sum of squared distances, with a bar where it takes long."""
    from sklearn.cluster import KMeans

    seeds = np.random.default_rng(seed).integers(2**31, size=_STARTS).tolist()
    starts = seeds if len(poses) < _QUIET_BELOW_POSES else track(seeds, "cluster poses", unit="start")
    fits = [KMeans(k, n_init=1, random_state=start).fit(poses) for start in starts]
    return np.asarray(min(fits, key=lambda fit: float(fit.inertia_)).cluster_centers_)


def _mini_batch_k_means(poses: NDArray[np.floating[Any]], k: int, seed: int) -> NDArray[np.floating[Any]]:
    """Centres (k, d) near a minimum of the sum of squared distances."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    start = int(np.random.default_rng(seed).integers(2**31))
    rough = MiniBatchKMeans(k, batch_size=_BATCH, n_init=3, max_iter=10, random_state=start).fit(poses)
    centres = np.asarray(rough.cluster_centers_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a round at a time, for the bar
        for _ in track(range(_FINISHING_ROUNDS), "cluster poses", unit="round"):
            centres = KMeans(k, init=centres, n_init=1, max_iter=1, copy_x=False).fit(poses).cluster_centers_
    return np.asarray(centres)
