"""Clusters of poses: fitted once on the training people, frozen, then given to anybody.

`fit_clusters` makes them, `assign` looks new people up; `clusters_file.py` keeps them on disk.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.people import People
from dataengine.progress import track

from .pose_embedding import DIMENSIONS, LEAST_BONES, embed_poses

UNCLUSTERED = -1  # of people with too few labelled joints to have a pose
_STARTS = 10  # k-means keeps the best of these
_QUIET_BELOW_POSES = 1000  # fewer than these are clustered within a second or two: no bar
_DECIMALS = 6  # of centres: the last bits depend on the number of threads that summed them


@dataclass(frozen=True, eq=False)
class PoseClusters:
    """Frozen clusters, numbered from the largest to the smallest on the set they were fitted on."""

    centres: NDArray[np.float64]  # (k, DIMENSIONS), in the space of `embed_poses`

    def __post_init__(self) -> None:
        if self.centres.ndim != 2 or self.centres.shape[1] != DIMENSIONS or not len(self.centres):
            raise InputError(
                "cluster centres do not fit this version's pose embedding",
                expected=f"(clusters, {DIMENSIONS}) numbers",
                got=str(self.centres.shape),
                mend="rerun `dataengine balance`",
            )


def fit_clusters(people: People, clusters: int, seed: int) -> PoseClusters:
    """Cluster the poses of `people` by k-means, into fewer clusters where there are fewer different poses.

    Raises InputError when nobody shows a pose.
    """
    vectors, usable = embed_poses(people.keypoints_px, people.visibility)
    if not usable.any():
        raise InputError(
            "no pose to cluster",
            expected=f"people with at least {LEAST_BONES} labelled limbs or torso sides",
            got=f"{len(people)} people without",
            mend="check the keypoints that ingest wrote",
        )
    poses = vectors[usable]
    k = min(clusters, len(np.unique(poses.round(_DECIMALS), axis=0)))
    centres = PoseClusters(_k_means(poses, k, seed).round(_DECIMALS))
    labels = assign(people, centres)
    counts = np.bincount(labels[labels >= 0], minlength=k)
    largest_first = np.argsort(-counts, kind="stable")
    return PoseClusters(centres.centres[largest_first[counts[largest_first] > 0]])


def _k_means(poses: NDArray[np.float64], k: int, seed: int) -> NDArray[np.float64]:
    """Centres (k, d) of the best of several fits by their sum of squared distances, with a bar where it takes long."""
    from sklearn.cluster import KMeans

    seeds = np.random.default_rng(seed).integers(2**31, size=_STARTS).tolist()
    starts = seeds if len(poses) < _QUIET_BELOW_POSES else track(seeds, "cluster poses", unit="start")
    fits = [KMeans(k, n_init=1, random_state=start).fit(poses) for start in starts]
    return np.asarray(min(fits, key=lambda fit: float(fit.inertia_)).cluster_centers_)


def assign(people: People, clusters: PoseClusters) -> NDArray[np.int64]:
    """Cluster (n,) whose centre is nearest to each person's pose; UNCLUSTERED for people without a pose."""
    squared, usable = _squared_distances(people, clusters)
    return np.where(usable, squared.argmin(axis=1), UNCLUSTERED).astype(np.int64)


def medoids(people: People, clusters: PoseClusters) -> NDArray[np.int64]:
    """Row (k,) of the person nearest to each centre among those assigned to it; -1 where there is none."""
    squared, usable = _squared_distances(people, clusters)
    labels = np.where(usable, squared.argmin(axis=1), UNCLUSTERED)
    members = [np.flatnonzero(labels == cluster) for cluster in range(len(clusters.centres))]
    nearest = [rows[squared[rows, k].argmin()] if len(rows) else -1 for k, rows in enumerate(members)]
    return np.array(nearest, dtype=np.int64)


def _squared_distances(people: People, clusters: PoseClusters) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n, k), and who has a pose at all (n,)."""
    from sklearn.metrics.pairwise import euclidean_distances

    vectors, usable = embed_poses(people.keypoints_px, people.visibility)
    if not len(people):
        return np.empty((0, len(clusters.centres))), usable
    return np.asarray(euclidean_distances(vectors, clusters.centres, squared=True)), usable
