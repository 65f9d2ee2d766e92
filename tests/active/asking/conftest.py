"""The pose clusters that requests are asked for by."""

import numpy as np
import pytest

from dataengine.poses.clusters import PoseClusters
from dataengine.poses.embedding import embed_poses, pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses
from dataengine.poses.training_poses import TrainingPoses

from ...helpers.pose_samples import FIGURES


@pytest.fixture(scope="module")
def poses() -> TrainingPoses:
    """Three clusters, one a figure; the second and third are rare."""
    figures = np.stack(FIGURES) * 100
    flags = np.full((3, 17), 2)
    centres, _ = embed_poses(figures, flags)
    clusters = PoseClusters(
        centres=centres.round(6), counts=np.array([50, 9, 3]), repeat_factor=np.array([1.0, 1.5, 3.0])
    )
    bones, _ = pose_bones(figures, flags)
    return TrainingPoses(clusters=clusters, known=KnownPoses(bones=bones, spacing=np.linspace(0, 0.5, len(RANKS))))
