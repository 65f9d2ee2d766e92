"""Fits find the joints that they are given, within what joints do; bodies that pass through themselves are noticed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dataengine.blender.poses.library import Limb, mirrored, read_pose_library
from dataengine.blender.targeted.contact import overlap
from dataengine.blender.targeted.priors import JointLimits, distance
from dataengine.blender.targeted.stance import stance_of
from dataengine.blender.targeted.torch_rotations import about_axis, from_6d, from_euler, swing, to_6d
from dataengine.blender.targeted.view import Targets, View
from dataengine.people import Images, People


@pytest.fixture(scope="module")
def body_model(body_cache: Path) -> Any:
    from dataengine.blender.body.model import BodyModel

    return BodyModel.load(body_cache)


@pytest.fixture(scope="module")
def fitter(body_model: Any) -> Any:
    from dataengine.blender.targeted.fit import Fitter

    return Fitter(body_model, read_pose_library())


def _people(keypoints_px: NDArray[Any], visibility: NDArray[Any]) -> tuple[People, Images]:
    n = len(keypoints_px)
    low, high = keypoints_px.min(axis=1), keypoints_px.max(axis=1)
    people = People.build(
        image_id=np.arange(n),
        bbox_xywh_px=np.concatenate([low, high - low], axis=1),
        keypoints_px=keypoints_px,
        visibility=visibility,
    )
    images = Images.build(id=range(n), path=["none.png"] * n, width=[400] * n, height=[300] * n)
    return people, images


def _seen(body_model: Any, poses: Any, turn: float) -> NDArray[Any]:
    """COCO joints (n, 17, 2) of bodies of the mesh, seen by OpenCV from 5 m with a 40 mm lens in 400 x 300 pixels."""
    from dataengine.blender.poses.posing import solve_orientations
    from dataengine.blender.targeted.rig import phenotype_of

    phenotype = phenotype_of({"gender": 0.8, "height": 0.55, "weight": 0.6, "proportions": 0.4})
    shape = body_model.shape(phenotype)
    camera = np.array([[40 / 36 * 400, 0, 199.5], [0, 40 / 36 * 400, 149.5], [0, 0, 1.0]])
    cam_from_world = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turned = cv2.Rodrigues(np.array([0, 0, turn]))[0]
    seen = []
    for pose in poses:
        _, joints = body_model.posed(phenotype, solve_orientations(pose, shape.skeleton))
        points = (joints - joints.mean(axis=0)) @ turned.T @ cam_from_world.T + [0, 0, 5.0]
        seen.append(cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera, np.zeros(4))[0][:, 0])
    return np.array(seen)


def test_rendered_joints_are_found_again(body_model: Any, fitter: Any) -> None:
    """Poses of the library, seen by an independent camera, on a body that is not the average one."""
    poses = [pose for pose in read_pose_library() if pose.name in ("stand", "push_up", "sit_on_air", "squat")]
    assert len(poses) >= 2
    people, images = _people(_seen(body_model, poses, 0.5), np.full((len(poses), 17), 2))
    for fitted, pose in zip(fitter.fit(Targets.of(people, images), [p.name for p in poses]), poses, strict=True):
        assert fitted.error_share < 0.02, pose.name
        assert fitted.limit_excess < 0.01
        assert fitted.pose.name == pose.name


def test_targets_count_from_the_middle_of_the_image() -> None:
    """The middle of 400 x 300 pixels lies between the pixels 199 and 200, and 149 and 150."""
    people, images = _people(np.full((1, 17, 2), (199.5, 149.5)) + np.arange(17)[:, None], np.full((1, 17), 2))
    np.testing.assert_allclose(Targets.of(people, images).points_px[0, :, 0].numpy(), np.arange(17))
    np.testing.assert_allclose(Targets.of(people, images).points_px[0, :, 1].numpy(), np.arange(17))


def test_unlabelled_joints_count_nothing(body_model: Any, fitter: Any) -> None:
    """A wrist without label that lies anywhere changes neither fit nor error."""
    pose = next(pose for pose in read_pose_library() if pose.name == "stand")
    points = np.repeat(_seen(body_model, [pose], 0.3), 2, axis=0)
    flags = np.full((2, 17), 2)
    flags[:, 9] = 0
    people, images = _people(points, flags)
    moved = people.keypoints_px.copy()
    moved[1, 9] += 500
    first, second = fitter.fit(Targets.of(people.replace(keypoints_px=moved), images), ["a", "b"])
    assert first.error_share == pytest.approx(second.error_share, abs=1e-4)
    np.testing.assert_allclose(first.pixels, second.pixels, atol=0.5)


def test_library_keeps_its_own_limits_and_hyperextension_does_not() -> None:
    poses = read_pose_library()
    limits = JointLimits.of(poses)
    assert limits.excess(stance_of([*poses, *map(mirrored, poses)])).max() == 0
    knee = Limb((0.0, 0.0, -1.0), (0.0, -1.0, -0.5), None)  # bent forwards
    broken = replace(poses[0], left_leg=knee), replace(poses[0], right_leg=knee)
    excess = limits.excess(stance_of(broken))
    assert excess.min() > 0.1
    torch.testing.assert_close(excess[0], excess[1], atol=1e-4, rtol=0)  # both sides alike


def test_distance_is_zero_to_oneself_alone() -> None:
    stances = stance_of(read_pose_library()[:2])
    assert distance(stances, stances).abs().max() < 1e-4
    assert distance(stances, stance_of(read_pose_library()[2:4])).min() > 0.01


def test_balls_tell_a_hand_in_the_belly_from_one_beside_it(fitter: Any) -> None:
    stand = read_pose_library()[0]
    assert stand.name == "stand"
    into = replace(stand, left_arm=Limb((0.3, 0.0, -1.0), (-0.9, 0.1, 0.1), None))
    joints = fitter.joints(stance_of([stand, into]))
    apart, through = overlap(joints).tolist()
    assert apart < 1e-4 < 1e-3 < through


def test_mesh_tells_them_apart_too(body_model: Any, body_cache: Path) -> None:
    from dataengine.blender.poses.posing import solve_orientations
    from dataengine.blender.targeted.contact import MOST_TRIANGLES, PassesThrough
    from dataengine.blender.targeted.rig import SHAPE_RANGE, phenotype_of

    shape = body_model.shape(phenotype := phenotype_of(dict.fromkeys(SHAPE_RANGE, 0.5)))
    stand = read_pose_library()[0]
    into = replace(stand, left_arm=Limb((0.3, 0.0, -1.0), (-0.9, 0.1, 0.1), None))
    passes = PassesThrough(body_model.template, body_cache)
    apart, through = (
        passes.count(body_model.posed(phenotype, solve_orientations(pose, shape.skeleton))[0]) for pose in (stand, into)
    )
    assert apart < MOST_TRIANGLES < through


def test_rotations_agree_with_scipy() -> None:
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(0)
    degrees = rng.uniform(-90, 90, (20, 3))
    expected = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    ours = from_euler(torch.deg2rad(torch.tensor(degrees, dtype=torch.float32)))
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(from_6d(to_6d(ours)).numpy(), expected, atol=1e-5)
    axis = torch.nn.functional.normalize(torch.tensor(rng.normal(size=(20, 3)), dtype=torch.float32), dim=1)
    angle = torch.tensor(rng.uniform(-3, 3, 20), dtype=torch.float32)
    turned = Rotation.from_rotvec((axis * angle[:, None]).numpy()).as_matrix()
    np.testing.assert_allclose(about_axis(axis, angle).numpy(), turned, atol=1e-5)
    target = axis.roll(1, 0)
    np.testing.assert_allclose((swing(axis, target) @ axis[..., None])[..., 0].numpy(), target.numpy(), atol=1e-3)


def test_view_projects_as_opencv_does() -> None:
    """The level camera of `View`, with the body's root off its axis."""
    rng = np.random.default_rng(1)
    joints = torch.tensor(rng.normal(0, 0.5, (1, 17, 3)), dtype=torch.float32)
    view = View(torch.tensor([[0.1, -0.05]]), torch.tensor([4.0]).log(), torch.tensor([50.0]).log())
    ours = view.pixels(joints, torch.tensor([400.0]))[0].numpy()
    camera = np.diag([50 / 36 * 400, 50 / 36 * 400, 1.0])
    at = np.array([0.1, -0.05, 1]) * [36 / 50 * 4, 36 / 50 * 4, 4]
    points = joints[0].numpy() @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) + at
    reference = cv2.projectPoints(points, np.zeros(3), np.zeros(3), camera, np.zeros(4))[0][:, 0]
    np.testing.assert_allclose(ours, reference, atol=0.05)
