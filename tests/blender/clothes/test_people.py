"""Bodies of all shapes in all poses: they stand on the floor, are whole, and their contacts touch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dataengine.blender.body.collision import FLESH_GIVES_M, deepest_overlap_m
from dataengine.blender.body.model import BODY_VERTICES, BodyModel
from dataengine.blender.body.support import SINK_M, support_vertices
from dataengine.blender.clothes.dressing import Tailor
from dataengine.blender.cycles.observe import Hits, Light, observe
from dataengine.blender.pictures.ground_truth import joint_visibility
from dataengine.blender.poses.library import jittered, mirrored, read_pose_library
from dataengine.blender.poses.posing import solve_orientations
from dataengine.blender.scene.layout import build_geometry, make_tailor
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.spec import OccluderSpec, draw_scene
from dataengine.keypoints import COCO_KEYPOINTS

pytestmark = pytest.mark.bpy


@pytest.fixture(scope="module")
def model(body_cache: Path) -> BodyModel:
    return BodyModel.load(body_cache)


@pytest.fixture(scope="module")
def tailor(model: BodyModel) -> Tailor:
    return make_tailor(model.template)


@pytest.mark.parametrize("phenotype", [{"age": 0.3, "gender": 0.1}, {"age": 0.95, "weight": 0.95, "gender": 0.9}])
def test_no_pose_tears_the_body(model: BodyModel, phenotype: dict[str, float]) -> None:
    """No edge of the skin grows to several times its length at rest, for the youngest and the heaviest."""
    shape = model.shape(phenotype)
    quads = model.template.quads
    quads = quads[(quads < BODY_VERTICES).all(axis=1)]
    at_rest = np.linalg.norm(shape.vertices_m[quads[:, 0]] - shape.vertices_m[quads[:, 1]], axis=1)
    for pose in read_pose_library():
        body, joints = model.posed(phenotype, solve_orientations(pose, shape.skeleton))
        posed = np.linalg.norm(body[quads[:, 0]] - body[quads[:, 1]], axis=1)
        assert np.quantile(posed / np.maximum(at_rest, 0.004), 0.999) < 6, pose.name
        assert np.isfinite(joints).all()


def test_limbs_point_where_the_pose_says(model: BodyModel) -> None:
    shape = model.shape({"age": 0.7})
    elbow, wrist = COCO_KEYPOINTS.index("left_elbow"), COCO_KEYPOINTS.index("left_wrist")
    knee, ankle = COCO_KEYPOINTS.index("right_knee"), COCO_KEYPOINTS.index("right_ankle")
    for pose in read_pose_library():
        upright = replace(pose, root=(0.0, 0.0, 0.0), spine=(0.0, 0.0, 0.0))
        _, joints = model.posed({"age": 0.7}, solve_orientations(upright, shape.skeleton))
        for start, end, direction in ((elbow, wrist, pose.left_arm.lower), (knee, ankle, pose.right_leg.lower)):
            found = joints[end] - joints[start]
            cosine = found @ np.array(direction) / np.linalg.norm(found) / np.linalg.norm(direction)
            assert cosine > 0.9, pose.name


def test_people_stand_on_the_floor_apart_from_each_other(
    model: BodyModel, tailor: Tailor, small_params: RenderParams
) -> None:
    poses = read_pose_library()
    for index in range(6):
        scene = draw_scene(replace(small_params, max_people=3), poses, index)
        geometry = build_geometry(scene, model, tailor, 96, 96)
        for person, spec in zip(geometry.people, scene.people, strict=True):
            lowest = person.mesh.vertices_m[:, 2].min() - spec.lift_m
            assert -SINK_M - 1e-6 <= lowest <= 1e-6
            assert lowest == pytest.approx(0, abs=1e-6) or person.spec.pose.supports
            assert np.isfinite(person.mesh.vertices_m).all()
            assert person.mesh.quads.max() < len(person.mesh.vertices_m)
        boxes = [
            (person.mesh.vertices_m.min(axis=0)[:2], person.mesh.vertices_m.max(axis=0)[:2])
            for person in geometry.people
        ]
        for one, (low, high) in enumerate(boxes):
            for other_low, other_high in boxes[:one]:
                assert (low > other_high).any() or (high < other_low).any()


@pytest.mark.slow
@pytest.mark.parametrize("phenotype", [{"age": 0.7}, {"age": 0.3, "gender": 0.1}, {"age": 0.95, "weight": 0.95}])
def test_every_support_of_every_pose_touches_the_floor_and_no_body_is_run_into_itself(
    model: BodyModel, tailor: Tailor, small_params: RenderParams, phenotype: dict[str, float]
) -> None:
    """Authored poses as they stand, and jittered ones with their spares, on three bodies."""
    scene = draw_scene(small_params, read_pose_library(), 0)
    rng = np.random.default_rng(4)
    faulty = 0
    for pose in read_pose_library():
        drawn = [jittered(pose, degrees, rng) for degrees in (6.0, 3.0)]
        bare = replace(scene.people[0], phenotype=tuple(phenotype.items()), lift_m=0.0, turn_rad=0.0)
        bare = replace(bare, look=replace(bare.look, shoes=None, bottom=replace(bare.look.bottom, length=0.5)))
        person = replace(bare, pose=drawn[0], spares=(drawn[1], pose))
        standing = build_geometry(replace(scene, people=(person,), occluder=None), model, tailor, 96, 96).people[0]
        mesh = standing.mesh.vertices_m
        assert mesh[:, 2].min() >= -SINK_M - 1e-6, pose.name
        shape = model.shape(phenotype)
        body, _ = model.posed(phenotype, solve_orientations(pose, shape.skeleton))
        overlap = deepest_overlap_m(tailor.parts, body)
        assert overlap < 2 * FLESH_GIVES_M, pose.name
        faulty += overlap > FLESH_GIVES_M
        for part in standing.spec.pose.supports:
            group = support_vertices(model.template, part)
            rest = shape.vertices_m[group]
            near = cdist(standing.mesh.rest_m, rest).min(axis=1) < 1e-9  # the person's own vertices of that part
            assert mesh[near, 2].min() < 0.045, (pose.name, part)  # above cloth that is under it
    assert faulty <= 2  # of hands that rest on something


def test_supports_are_mirrored() -> None:
    lunge = next(pose for pose in read_pose_library() if pose.supports == ("left_foot",))
    assert mirrored(lunge).supports == ("right_foot",)
    assert mirrored(mirrored(lunge)).supports == lunge.supports


def test_a_bridge_touches_the_floor_with_hands_and_feet(
    model: BodyModel, tailor: Tailor, small_params: RenderParams
) -> None:
    bridge = next(pose for pose in read_pose_library() if pose.name == "bridge")
    for index in range(3):
        scene = draw_scene(small_params, read_pose_library(), index)
        scene = replace(scene, people=(replace(scene.people[0], pose=bridge, lift_m=0.0),), occluder=None)
        joints = build_geometry(scene, model, tailor, 96, 96).people[0].joints_m
        assert joints[[9, 10], 2].min() < 0.22  # a wrist
        assert joints[[15, 16], 2].min() < 0.22  # an ankle
        assert joints[[11, 12], 2].min() > 0.35  # the hips are up


@pytest.mark.in_blender
def test_a_thing_never_hides_everybody(model: BodyModel, tailor: Tailor, small_params: RenderParams) -> None:
    """A car in the middle of these scenes would show nobody: it is slid aside; where it has no room it is left out."""
    car = OccluderSpec("car", (4.4, 1.8, 1.6), (0.3, 0.1, 0.1), turn_rad=0.0, nearness=0.15, aside_m=0.0)
    light = Light("city", 0.0, 1.0, 0.0)
    for index, stays in ((1, False), (3, True), (7, True), (39, True)):
        scene = replace(draw_scene(small_params, read_pose_library(), index), occluder=car)
        geometry = build_geometry(scene, model, tailor, 96, 96)
        assert [each.name for each in geometry.things] == (["floor", "car"] if stays else ["floor"])
        seen, bare = (
            observe(meshes, geometry.camera, light, geometry.people[0].joints_m, samples=1).instance > 0
            for meshes in (geometry.meshes, [each for each in geometry.meshes if each.name != "car"])
        )
        assert seen.sum() > 100, "pixels of people"
        assert stays is bool(seen.sum() < 0.8 * bare.sum()), "it hides some of them"


def test_a_long_thing_stands_as_near_from_any_side(
    model: BodyModel, tailor: Tailor, small_params: RenderParams
) -> None:
    """How near a fence comes to a person has nothing to do with how the world's axes lie."""
    fence = OccluderSpec("fence", (3.0, 0.06, 0.9), (0.3, 0.1, 0.1), turn_rad=0.0, nearness=0.05, aside_m=0.0)
    scene = draw_scene(small_params, read_pose_library(), 3)
    person = replace(scene.people[0], pose=next(p for p in read_pose_library() if p.name == "stand"), spares=())
    apart = []
    for azimuth_rad in np.deg2rad((0.0, 45.0, 90.0)):
        turned = replace(scene, people=(replace(person, turn_rad=float(azimuth_rad)),), occluder=fence)
        geometry = build_geometry(
            replace(turned, camera=replace(scene.camera, azimuth_rad=float(azimuth_rad))), model, tailor, 96, 96
        )
        (thing,) = (each for each in geometry.things if each.name == "fence")
        apart.append(cdist(thing.vertices_m[:, :2], geometry.people[0].mesh.vertices_m[::20, :2]).min())
    assert apart == pytest.approx([apart[0]] * 3, abs=0.1)


def test_what_is_behind_the_camera_is_not_in_its_frame(
    model: BodyModel, tailor: Tailor, small_params: RenderParams
) -> None:
    """Points behind a camera have pixels too, those of their mirror images."""
    scene = draw_scene(small_params, read_pose_library(), 0)
    camera = build_geometry(scene, model, tailor, 96, 96).camera
    way = np.array([0.0, 0.0, 2.0]) @ camera.cam_from_world[:3, :3]
    points = camera.position_m + np.array([way, -way])
    pixels, depth = camera.project(points)
    np.testing.assert_allclose(pixels, 47.5)
    assert depth == pytest.approx([2.0, -2.0])
    assert camera.in_frame(pixels, depth).tolist() == [True, False]
    assert not camera.in_frame(np.array([[95.6, 5.0], [-0.6, 5.0]]), np.ones(2)).any()
    assert camera.in_frame(np.array([[95.4, 5.0], [-0.4, 5.0]]), np.ones(2)).all()


def test_visibility_follows_from_what_the_ray_hits(
    model: BodyModel, tailor: Tailor, small_params: RenderParams
) -> None:
    scene = draw_scene(small_params, read_pose_library(), 0)
    geometry = build_geometry(scene, model, tailor, 96, 96)
    person = geometry.people[0]
    inside, outside = np.ones(17, dtype=bool), np.zeros(17, dtype=bool)
    near = Hits(np.zeros(17, dtype=np.int64), person.rest_joints_m + np.array([0.0, 0.02, 0.0]))
    far = Hits(np.zeros(17, dtype=np.int64), person.rest_joints_m + np.array([0.0, 0.5, 0.0]))
    other = Hits(np.ones(17, dtype=np.int64), person.rest_joints_m)
    free = Hits(np.full(17, -1), np.full((17, 3), np.nan))
    assert (joint_visibility(person, 0, near, inside) == 2).all()
    assert (joint_visibility(person, 0, far, inside) == 1).all()
    assert (joint_visibility(person, 0, other, inside) == 1).all()
    assert (joint_visibility(person, 0, free, inside) == 2).all()
    assert (joint_visibility(person, 0, free, outside) == 0).all()
