"""Bodies posed from their remembered rest against Anny's own full evaluation."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.body import BodyModel
from dataengine.blender.pose_library import read_pose_library
from dataengine.blender.posing import solve_orientations

pytestmark = pytest.mark.bpy


def test_posing_from_the_remembered_rest_is_what_anny_gives(body_cache: Path) -> None:
    import torch

    model = BodyModel.load(body_cache)
    pose = read_pose_library()[5]
    people = [{"age": 0.7, "gender": 0.2, "weight": 0.8}, {"age": 0.35, "gender": 0.9, "height": 0.3}]
    orientations = [solve_orientations(pose, model.shape(phenotype).skeleton) for phenotype in people]
    for phenotype, turns in zip(people, orientations, strict=True):
        with torch.no_grad():
            expected = model._anny(
                pose_parameters=torch.tensor(turns[None], dtype=torch.float32),
                phenotype_kwargs={name: torch.tensor([value]) for name, value in phenotype.items()},
                pose_parameterization="world-orient",
            )
        vertices, joints = model.posed(phenotype, turns)
        np.testing.assert_allclose(vertices, expected["vertices"][0].numpy(), atol=1e-6)
        np.testing.assert_allclose(joints, model._regressor(expected)[0].numpy(), atol=1e-6)
    first, second = (model.posed(phenotype, turns)[0] for phenotype, turns in zip(people, orientations, strict=True))
    assert np.abs(first - second).max() > 0.05
