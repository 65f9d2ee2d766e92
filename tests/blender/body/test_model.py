"""The body's arithmetic on plain arrays against Anny's own evaluation in torch."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.blender.body.arrays import BodyArrays, nearest_rotations
from dataengine.blender.body.build import load_anny
from dataengine.blender.body.cache import prepare_body_cache
from dataengine.blender.body.model import BodyModel
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.poses.posing import solve_orientations
from dataengine.errors import InputError

pytestmark = pytest.mark.bpy


PEOPLE: tuple[dict[str, float], ...] = (
    {"age": 0.7, "gender": 0.2, "weight": 0.8, "african": 1.0, "asian": 0.0, "caucasian": 0.0},
    {"age": 0.35, "gender": 0.9, "height": 0.3, "muscle": 1.0, "proportions": 0.0},
    {"age": -0.2, "african": 0.0, "asian": 0.0, "caucasian": 0.0},
    {"age": 1.0, "cupsize": 0.1, "firmness": 0.9, "height": 1.2},  # beyond the last anchor
)


@pytest.fixture(scope="module")
def model(body_cache: Path) -> BodyModel:
    return BodyModel.load(body_cache)


@pytest.mark.parametrize("phenotype", PEOPLE)
def test_shapes_and_poses_are_those_of_anny(model: BodyModel, anny: Any, phenotype: dict[str, float]) -> None:
    shape = model.shape(phenotype)
    identity = np.repeat(np.eye(4)[None], len(shape.skeleton.labels), axis=0)
    vertices, joints, rest = _by_anny(anny, phenotype, identity, "local-ref")
    np.testing.assert_allclose(shape.vertices_m, vertices, atol=5e-6)
    np.testing.assert_allclose(shape.joints_m, joints, atol=5e-5)
    np.testing.assert_allclose(shape.skeleton.heads_m, rest["rest_bone_heads"][0].numpy(), atol=5e-6)
    np.testing.assert_allclose(shape.skeleton.orientations, rest["rest_bone_poses"][0, :, :3, :3].numpy(), atol=5e-6)
    for pose in read_pose_library()[::17]:
        orientations = solve_orientations(pose, shape.skeleton)
        expected, expected_joints, _ = _by_anny(anny, phenotype, orientations, "world-orient")
        found, found_joints = model.posed(phenotype, orientations)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(found_joints, expected_joints, atol=5e-5)


def test_joint_skinning_moves_the_joints(model: BodyModel) -> None:
    skinning = model.joint_skinning()
    np.testing.assert_allclose(np.bincount(skinning.joint, weights=skinning.weight), 1, atol=1e-5)


def test_unknown_phenotypes_and_broken_files_are_one_line(model: BodyModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown phenotype.*age.*tallness"):
        model.shape({"tallness": 0.5})
    for content in (b"half a file", b"", b"PK\x03\x04half a zip"):
        (tmp_path / "arrays.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"arrays.npz cannot be read.*built again"):
            BodyArrays(tmp_path / "arrays.npz")


def test_a_folder_of_something_else_is_not_replaced_by_a_cache(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"is not a body model's cache: got thesis; name an empty"):
        prepare_body_cache(tmp_path)
    assert (tmp_path / "thesis/chapter.tex").exists()
    with pytest.raises(InputError, match="is a file"):
        prepare_body_cache(tmp_path / "thesis/chapter.tex")


def test_a_worker_needs_no_torch(body_cache: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from dataengine.blender.pictures.maker import ImageMaker, BodyModel;"
        f"BodyModel.load(Path({str(body_cache)!r})).shape({{'age': 0.5}}); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_nearest_rotations_against_scipy() -> None:
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(0)
    rotations = Rotation.random(20, random_state=1).as_matrix()
    stretched = rotations @ np.diag([3.0, 2.0, 0.5])  # the polar factor of R S is R
    np.testing.assert_allclose(nearest_rotations(stretched), rotations, atol=1e-6)
    assert np.linalg.det(nearest_rotations(rng.normal(size=(50, 3, 3)))) == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def anny(body_cache: Path) -> Any:
    return load_anny(body_cache)


def _by_anny(
    anny: Any, phenotype: dict[str, float], orientations: NDArray[np.float64], parameterization: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], Any]:
    import torch

    with torch.no_grad():
        output = anny[0](
            pose_parameters=torch.tensor(orientations[None], dtype=torch.float32),
            phenotype_kwargs={name: torch.tensor([value]) for name, value in phenotype.items()},
            pose_parameterization=parameterization,
        )
        joints = anny[1](output)
    return output["vertices"][0].numpy(), joints[0].numpy(), output
