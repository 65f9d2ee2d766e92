"""Frozen clusters of poses: which one a person's pose belongs to, and how many training people are in it.

The stage `balance` writes them (``clusters.json``), with how often the members of each are repeated. Slices by cluster
mean the same in every round for as long as the centres are the same; `id` is their hash. A cluster says what a pose is
like, not how far it is from all that training shows: the nearest centre may be far away. That is `known_poses.py`.

    clusters = read_pose_clusters(Path("data/balance/clusters.json"))
    cluster = clusters.assign(keypoints_px, visibility)  # (n,), UNCLUSTERED for people without a pose
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json, short_sha256, write_json
from dataengine.poses.embedding import DIMENSIONS, embed_poses

UNCLUSTERED = -1  # of people with too few labelled joints to have a pose
DECIMALS = 6  # of centres: the last bits depend on the number of threads that summed them
_FORMAT = "pose-clusters-3"
_FIX = "rerun `dataengine balance`"
_CHUNK = 8192  # people at a time, whose distances to all centres are held


@dataclass(frozen=True, eq=False, kw_only=True)
class PoseClusters:
    """k clusters, the people of the present training set in each, and how often those are repeated."""

    centres: NDArray[np.float64]  # (k, DIMENSIONS), in the space of `embed_poses`
    counts: NDArray[np.int64]  # (k,) training people
    repeat_factor: NDArray[np.float64]  # (k,) at least 1

    def __post_init__(self) -> None:
        if self.centres.ndim != 2 or self.centres.shape[1] != DIMENSIONS or not len(self.centres):
            raise InputError(
                "cluster centres do not fit this version's pose embedding",
                expected=f"(clusters, {DIMENSIONS}) numbers",
                got=str(self.centres.shape),
                fix=_FIX,
            )
        sizes = self.counts.shape, self.repeat_factor.shape
        good = sizes == ((len(self.centres),),) * 2 and np.isfinite(self.centres).all()
        if not good or (self.counts < 0).any() or not (self.repeat_factor >= 1).all():
            raise InputError(
                "pose clusters are malformed", expected="finite centres, counts >= 0, repeat factors >= 1", fix=_FIX
            )

    @property
    def id(self) -> str:
        """Hash of the centres: the same id, the same clusters, whoever is counted in them."""
        rounded = (self.centres.round(DECIMALS) + 0.0).astype("<f8")
        return short_sha256(hashlib.sha256(rounded.tobytes()).hexdigest())

    def assign(
        self, keypoints_px: NDArray[np.floating[Any]], visibility: NDArray[np.integer[Any]]
    ) -> NDArray[np.int64]:
        """Cluster (n,) of keypoints (n, 17, 2) with COCO flags (n, 17): the nearest centre, UNCLUSTERED for no pose."""
        return self.assign_vectors(*embed_poses(keypoints_px, visibility))

    def assign_vectors(self, vectors: NDArray[np.floating[Any]], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
        """`assign` for people who are embedded already, as `embed_poses` does it."""
        return np.where(usable, nearest_centre(vectors, self.centres)[0], UNCLUSTERED)

    @property
    def rare(self) -> NDArray[np.bool_]:
        """Which clusters (k,) are rare: those that balancing repeats, as it repeats all below its threshold."""
        return self.repeat_factor > 1

    def repeats(self, cluster: NDArray[np.int64]) -> NDArray[np.float64]:
        """Repeat factor (n,) of members of clusters; 1 for people without a pose."""
        return np.where(cluster == UNCLUSTERED, 1.0, self.repeat_factor[cluster])


def nearest_centre(
    vectors: NDArray[np.floating[Any]], centres: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest of centres (k, d) to each vector (n, d), the first among equals, and its squared distance (n,)."""
    nearest, squared = np.empty(len(vectors), np.int64), np.empty(len(vectors))
    own = (centres**2).sum(axis=1)
    for start in range(0, len(vectors), _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = np.asarray(vectors[rows], dtype=np.float64)
        beyond = own - 2 * part @ centres.T  # |x - c|^2 = |x|^2 + this
        nearest[rows] = beyond.argmin(axis=1)
        least = np.take_along_axis(beyond, nearest[rows, None], axis=1)[:, 0]
        squared[rows] = np.maximum((part**2).sum(axis=1) + least, 0.0)
    return nearest, squared


def write_pose_clusters(path: Path, clusters: PoseClusters) -> None:
    """Store as JSON."""
    columns = (clusters.counts.tolist(), clusters.repeat_factor.tolist(), clusters.centres.tolist())
    records = [dict(zip(("count", "repeat_factor", "centre"), row, strict=True)) for row in zip(*columns, strict=True)]
    write_json(path, {"format": _FORMAT, "id": clusters.id, "clusters": records})


def read_pose_clusters(path: Path) -> PoseClusters:
    """Load what `write_pose_clusters` wrote; anything else, or centres that were changed, is an `InputError`."""
    document = read_json(path)
    try:
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}")
        records = document["clusters"]
        clusters = PoseClusters(
            centres=np.array([record["centre"] for record in records], dtype=np.float64),
            counts=np.array([record["count"] for record in records], dtype=np.int64),
            repeat_factor=np.array([record["repeat_factor"] for record in records], dtype=np.float64),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is not a file of pose clusters", expected=_FORMAT, got=got, fix=_FIX) from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if document.get("id") != clusters.id:
        got = f"id {document.get('id')!r}"
        raise InputError(f"{path} was changed after it was written", expected=f"id {clusters.id}", got=got, fix=_FIX)
    return clusters
