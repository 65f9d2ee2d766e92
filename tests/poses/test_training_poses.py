"""Where a pose stands: rare by its cluster, novel by its distance, and the two files in one folder."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.poses.clusters import UNCLUSTERED, PoseClusters, write_pose_clusters
from dataengine.poses.embedding import embed_poses, pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, write_known_poses
from dataengine.poses.training_poses import CLUSTERS_NAME, POSES_NAME, TrainingPoses, read_training_poses

from ..helpers.pose_samples import STANDING, crowd, lying, reaching

SEEN = np.full((4, 17), 2)


@pytest.fixture
def poses() -> TrainingPoses:
    """Training shows two kinds of pose, the second rarely, and never the third."""
    train = crowd((1, 1), noise=0.0)
    vectors, _ = embed_poses(train.keypoints_px, train.visibility)
    first = np.argsort(train.extras["figure"])
    clusters = PoseClusters(
        centres=vectors[first].round(6), counts=np.array([90, 10]), repeat_factor=np.array([1.0, 2.0])
    )
    bones, _ = pose_bones(train.keypoints_px, train.visibility)
    return TrainingPoses(clusters=clusters, known=KnownPoses(bones=bones, spacing=RANKS * 0.3))


def test_rare_by_cluster_novel_by_distance(poses: TrainingPoses) -> None:
    points = np.array([STANDING, reaching(), lying(), STANDING]) * 100
    visibility = SEEN.copy()
    visibility[3] = 0
    stand = poses.look_up(points, visibility)
    assert stand.cluster[:2].tolist() == [0, 1] and stand.cluster[3] == UNCLUSTERED
    assert stand.novel.tolist() == [False, False, True, False]
    assert stand.rare.tolist() == [False, True, True, False], "novel is rare, whatever the cluster"
    assert stand.rarity[:2].max() < 0.1 and stand.rarity[2] > 0.99 and stand.rarity[3] == 0
    assert np.array_equal(stand.distance, poses.known.distance(points, visibility), equal_nan=True)


def test_nobody_stands_nowhere(poses: TrainingPoses) -> None:
    stand = poses.look_up(np.empty((0, 17, 2)), np.empty((0, 17), dtype=np.uint8))
    assert stand.cluster.shape == stand.rarity.shape == stand.rare.shape == (0,)


def test_both_files_of_a_folder(poses: TrainingPoses, tmp_path: Path) -> None:
    write_pose_clusters(tmp_path / CLUSTERS_NAME, poses.clusters)
    with pytest.raises(InputError, match=r"poses\.json does not exist"):
        read_training_poses(tmp_path)
    write_known_poses(tmp_path / POSES_NAME, poses.known)
    back = read_training_poses(tmp_path)
    assert (back.clusters.id, back.known.id) == (poses.clusters.id, poses.known.id)
