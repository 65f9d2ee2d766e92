"""What the stage `balance` says of the training people's poses, and where anybody's pose stands among them.

Two things make a pose rare: few training people are in its cluster, or none is near it. The first is what balancing
repeats; for the second, `novel`, there is nothing to repeat. A novel pose counts as rare whatever its cluster: being
nearest to the centre of a common one does not make it common.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.poses.clusters import UNCLUSTERED, PoseClusters, read_pose_clusters
from dataengine.poses.embedding import embed_poses
from dataengine.poses.known_poses import KnownPoses, read_known_poses

CLUSTERS_NAME, POSES_NAME = "clusters.json", "poses.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class PoseStanding:
    """Where n people's poses stand among the training people's."""

    cluster: NDArray[np.int64]  # (n,), UNCLUSTERED for people without a pose, to whom nothing below applies
    distance: NDArray[np.float64]  # (n,) from the nearest training pose; NaN
    rarity: NDArray[np.float64]  # (n,) 0 to 1; 0
    rare: NDArray[np.bool_]  # (n,) in a rare cluster, or novel
    novel: NDArray[np.bool_]  # (n,) farther away than training people are from each other


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingPoses:
    """The clusters and the known poses of one training set."""

    clusters: PoseClusters
    known: KnownPoses

    def look_up(self, keypoints_px: NDArray[np.floating[Any]], visibility: NDArray[np.integer[Any]]) -> PoseStanding:
        """Where the poses of keypoints (n, 17, 2) with COCO flags (n, 17) stand. Not for training people themselves."""
        vectors, usable = embed_poses(keypoints_px, visibility)
        cluster = self.clusters.assign_vectors(vectors, usable)
        distance = self.known.distance_of_vectors(vectors, usable)
        novel = self.known.is_novel(distance)
        return PoseStanding(
            cluster=cluster,
            distance=distance,
            rarity=self.known.rarity(distance),
            rare=novel | (self.clusters.rare[cluster] & (cluster != UNCLUSTERED)),
            novel=novel,
        )


def read_training_poses(folder: Path) -> TrainingPoses:
    """The two files that `balance` leaves in its folder. InputError where one is missing or damaged."""
    return TrainingPoses(
        clusters=read_pose_clusters(folder / CLUSTERS_NAME), known=read_known_poses(folder / POSES_NAME)
    )
