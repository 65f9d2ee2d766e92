"""Which poses of the training people are kept as known, and how far each person is from the others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.people import Images, People
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.embedding import pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, nearest_distance, rounded_bones

MOST_KNOWN = 4096  # poses kept: half a megabyte; of larger sets every cluster gives as many, as far as it has them
_SEED = 0  # of the order in which a cluster's members are taken


def known_poses(
    people: People,
    images: Images,
    vectors: NDArray[np.floating[Any]],
    cluster: NDArray[np.int64],
    gap_frames: int,
) -> tuple[KnownPoses, NDArray[np.float64]]:
    """The poses to keep, and every training person's distance (n,) from the others; NaN without a pose or others.

    People of the same video within `gap_frames` do not count as others: they show the same moment. Where that leaves
    nobody for anyone, as in one short film, only the person itself does not count.

    Args:
        people: n training people, at least one with a pose.
        images: their images.
        vectors: (n, DIMENSIONS) from `embed_poses`.
        cluster: (n,) of each person, UNCLUSTERED for people without a pose.
        gap_frames: 0 excludes the same frame alone.
    """
    known_rows = spread_over_clusters(cluster, MOST_KNOWN)
    bones = rounded_bones(pose_bones(people.keypoints_px[known_rows], people.visibility[known_rows])[0])
    known = KnownPoses(bones=bones, spacing=np.zeros(len(RANKS)))
    others = Others.of(people, images, known_rows, gap_frames)
    near = known.vectors.astype(vectors.dtype)
    distance = nearest_distance(vectors, near, others.strike_out)
    if not np.isfinite(distance).any():
        distance = nearest_distance(vectors, near, others.strike_out_itself)
    distance = np.where((cluster == UNCLUSTERED) | np.isinf(distance), np.nan, distance)
    measured = distance[np.isfinite(distance)]
    spacing = np.quantile(measured, RANKS).round(6) if len(measured) else known.spacing  # of one person alone
    return KnownPoses(bones=bones, spacing=spacing), distance


def spread_over_clusters(cluster: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Rows (m,), ascending, of at most `most` people with a pose: all of small clusters, as many of each large one.

    A plain sample of a large set would lose the poses that few show, and then call them novel.
    """
    order = np.random.default_rng(_SEED).permutation(np.flatnonzero(cluster != UNCLUSTERED))
    order = order[np.argsort(cluster[order], kind="stable")]
    first = np.searchsorted(cluster[order], cluster[order])  # where each one's cluster begins
    place = np.arange(len(order)) - first
    return np.sort(order[np.argsort(place, kind="stable")[:most]])


@dataclass(frozen=True, eq=False)
class Others:
    """Which known people do not count for whom."""

    known_rows: NDArray[np.int64]  # (m,) which of the n people the known ones are, ascending
    video: NDArray[np.int64]  # (n,) number of each person's video, -1 for a picture that is of none
    frame: NDArray[np.int64]  # (n,)
    gap_frames: int

    @classmethod
    def of(cls, people: People, images: Images, known_rows: NDArray[np.int64], gap_frames: int) -> "Others":
        """From the tables."""
        at = images.rows_of(people.image_id)
        names, number = np.unique(images.video[at], return_inverse=True)
        return cls(known_rows, np.where(names[number] == "", -1, number), images.frame[at], gap_frames)

    def strike_out_itself(self, rows: NDArray[np.int64], table: NDArray[np.floating[Any]]) -> None:
        """Set to infinity where a known person is the person of one of `rows` (r,), consecutive; `table` is (r, m)."""
        first, last = np.searchsorted(self.known_rows, [rows[0], rows[-1] + 1])
        table[self.known_rows[first:last] - rows[0], np.arange(first, last)] = np.inf

    def strike_out(self, rows: NDArray[np.int64], table: NDArray[np.floating[Any]]) -> None:
        """Set to infinity where a known person is that of one of `rows` (r,), or near it in the same video."""
        self.strike_out_itself(rows, table)
        if (self.video[rows] < 0).all():
            return
        known_video = self.video[self.known_rows]
        filmed = (self.video[rows, None] == known_video) & (known_video >= 0)
        near = np.abs(self.frame[rows, None] - self.frame[self.known_rows]) <= self.gap_frames
        table[filmed & near] = np.inf
