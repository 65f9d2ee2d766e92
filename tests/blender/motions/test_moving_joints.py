"""Joints without a mesh against the posed body, and what people of a clip do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.body.model import BodyModel
from dataengine.blender.clips.spec import ClipParams, draw_clip
from dataengine.blender.draw_motions import run
from dataengine.blender.motions.moving_joints import MovingJoints
from dataengine.blender.motions.performed import ABOVE_FLOOR_M, performed
from dataengine.blender.poses.blending import blend
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.poses.posing import solve_orientations
from dataengine.blender.scene.params import RenderParams
from dataengine.errors import InputError, ParamsError
from dataengine.lifting.body import bone_lengths
from dataengine.lifting.motions import read_motions_file

pytestmark = pytest.mark.bpy
PHENOTYPE = {"age": 0.7, "gender": 0.2, "height": 0.6, "weight": 0.3, "african": 0.2, "asian": 0.5, "caucasian": 0.3}
CLIP = ClipParams(clips=1, frames=9, fps=4.0, key_seconds=0.5, moving_camera_share=0.0, speed_m_s=0.5)


@pytest.fixture(scope="module")
def model(body_cache: Path) -> BodyModel:
    return BodyModel.load(body_cache)


def test_joints_are_those_of_the_posed_body(model: BodyModel) -> None:
    shape = model.shape(PHENOTYPE)
    moving = MovingJoints.of(model, shape)
    poses = [solve_orientations(pose, shape.skeleton) for pose in read_pose_library()[:4]]
    keys = np.stack([each[moving.bones, :3, :3] for each in poses])
    expected = np.stack([model.posed(PHENOTYPE, each)[1] for each in poses])
    np.testing.assert_allclose(moving.at(keys), expected, atol=2e-6)
    between = moving.between(keys, np.array([1, 2]), np.array([0.3, 1.0]))
    halfway = blend(poses[1][:, :3, :3], poses[2][:, :3, :3], shape.skeleton.parents, 0.3)
    np.testing.assert_allclose(between[0], halfway[moving.bones], atol=1e-9)
    np.testing.assert_allclose(between[1], keys[3], atol=1e-6)


def test_people_move_over_the_floor_with_bones_of_one_length(model: BodyModel, small_params: RenderParams) -> None:
    time_s = np.arange(9) / 4.0
    spec = draw_clip(small_params, CLIP, read_pose_library(), [], 3)
    moved = performed(spec, time_s, model)
    assert len(moved) == len(spec.performers)
    for (name, joints), performer in zip(moved, spec.performers, strict=True):
        assert name == performer.person.pose.name and joints.shape == (9, 17, 3)
        lengths = bone_lengths(joints)[:, [0, 1, 2, 3, 8, 9, 10, 11]]  # of limbs: a trunk bends
        np.testing.assert_allclose(lengths, np.broadcast_to(lengths[0], lengths.shape), rtol=0.12)
        assert (joints[..., 2].min(axis=1) > ABOVE_FLOOR_M - 1e-6).all()
        hips = joints[:, 11:13, :2].mean(axis=1)
        np.testing.assert_allclose(np.linalg.norm(np.diff(hips, axis=0), axis=1), performer.speed_m_s / 4, atol=1e-6)


def test_the_command_writes_motions_and_refuses_bad_options(
    body_cache: Path, small_params: RenderParams, tmp_path: Path
) -> None:
    out, again = tmp_path / "m.npz", tmp_path / "again.npz"
    for path in (out, again):
        run(small_params, out=path, cache=body_cache, people=3, seconds=1.0, fps=10.0)
    motions = read_motions_file(out)
    assert len(motions) == 3 and motions.seconds().tolist() == [1.0] * 3
    np.testing.assert_array_equal(read_motions_file(again).joints_m, motions.joints_m)
    for wrong in ({"people": 0}, {"seconds": 0.0}, {"fps": 0.0}, {"fps": float("inf")}, {"fps": float("nan")}):
        options = {"people": 1, "seconds": 1.0, "fps": 10.0, **wrong}
        with pytest.raises(ParamsError):
            run(replace(small_params), out=out, cache=body_cache, **options)  # type: ignore[arg-type]
    mine = tmp_path / "params.yaml"
    mine.write_text("mine")
    for place in (tmp_path, mine):
        with pytest.raises(InputError, match=r"expected a name that ends in \.npz, got "):
            run(small_params, out=place, cache=body_cache, people=1, seconds=1.0, fps=10.0)
    assert mine.read_text() == "mine"
