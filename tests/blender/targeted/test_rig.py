"""The torch rig gives the joints that Anny's own mesh gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dataengine.blender.poses.library import mirrored, read_pose_library
from dataengine.blender.poses.posing import solve_orientations
from dataengine.blender.targeted.rig import Rig, ShapeSpace, phenotype_of, phenotypes_at
from dataengine.blender.targeted.stance import pose_of, stance_of


@pytest.fixture(scope="module")
def body_model(body_cache: Path) -> Any:
    from dataengine.blender.body.model import BodyModel

    return BodyModel.load(body_cache)


def test_joints_are_those_of_the_skinned_mesh(body_model: Any) -> None:
    """Against Anny itself, over every seventh pose of the library and a body that is not average."""
    phenotype = phenotype_of({"gender": 0.9, "height": 0.6, "weight": 0.7, "proportions": 0.3})
    shape = body_model.shape(phenotype)
    library = [mirrored(pose) if row % 2 else pose for row, pose in enumerate(read_pose_library()[::7])]
    poses = [pose_of(stance_of(library), row, pose, pose.name) for row, pose in enumerate(library)]
    joints = Rig.measured(body_model, [shape]).joints(stance_of(poses)).numpy()
    for pose, ours in zip(poses, joints, strict=True):
        _, reference = body_model.posed(phenotype, solve_orientations(pose, shape.skeleton))
        assert np.abs(_centred(ours) - _centred(reference)).max() < 1e-3, pose.name


def test_space_of_shapes_is_close_to_the_shapes(body_model: Any) -> None:
    """Within a centimetre at rest, half-way to the ends of every phenotype."""
    shares = torch.tensor([[0.5, -0.5, 0.5, -0.5], [-0.5, 0.5, 0.0, 0.5]])
    pose = read_pose_library()[0]
    ours = ShapeSpace(body_model).at(shares).joints(stance_of([pose, pose])).numpy()
    shapes = [body_model.shape(phenotype_of(values)) for values in phenotypes_at(shares.numpy())]
    exact = Rig.measured(body_model, shapes).joints(stance_of([pose, pose])).numpy()
    assert np.abs(_centred(ours) - _centred(exact)).max() < 0.01


def test_pose_survives_the_way_through_tensors() -> None:
    """Directions at length 1, turns equal up to what Euler angles share."""
    poses = read_pose_library()
    back = [pose_of(stance_of(poses), row, pose, "again") for row, pose in enumerate(poses)]
    before, after = stance_of(poses), stance_of(back)
    for name in ("directions", "spine", "neck", "root"):
        torch.testing.assert_close(getattr(after, name), getattr(before, name), atol=1e-4, rtol=0)
    assert all(pose.contacts == () and pose.name == "again" for pose in back)


def _centred(joints_m: NDArray[Any]) -> NDArray[Any]:
    return joints_m - joints_m.mean(axis=-2, keepdims=True)
