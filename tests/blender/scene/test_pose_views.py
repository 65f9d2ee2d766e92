"""How rare poses are from around: views against what a scene's camera sees, and people who are rarer when drawn so."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.body.model import BodyModel
from dataengine.blender.poses.library import MOTION_FAMILY, Pose, read_pose_library
from dataengine.blender.scene.layout import build_geometry, make_tailor
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.pose_odds import VIEWS, PoseOdds, ViewRarity, view_turns
from dataengine.blender.scene.pose_views import view_rarity, views_of
from dataengine.blender.scene.spec import draw_scene
from dataengine.poses.embedding import embed_poses, pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, read_frozen_poses

pytestmark = pytest.mark.bpy
LIBRARY = read_pose_library()


@pytest.fixture(scope="module")
def model(body_cache: Path) -> BodyModel:
    return BodyModel.load(body_cache)


def named(*names: str) -> tuple[Pose, ...]:
    return tuple(pose for pose in LIBRARY if pose.name in names)


def seen(
    params: RenderParams, poses: Sequence[Pose], model: BodyModel, odds: PoseOdds | None, scenes: int
) -> np.ndarray:
    """Keypoints (n, 17, 2) of everybody in the first scenes, inside the frame or not."""
    tailor = make_tailor(model.template)
    drawn = [draw_scene(params, poses, index, odds) for index in range(scenes)]
    built = [build_geometry(scene, model, tailor, params.width_px, params.height_px) for scene in drawn]
    return np.array([each.camera.project(person.joints_m)[0] for each in built for person in each.people])


def test_a_view_looks_like_a_scene_with_that_turn(small_params: RenderParams, model: BodyModel) -> None:
    """Without jitter, a person drawn for a view is nearest to that view of all, and near it."""
    (pose,) = named("high_kick")
    params = replace(small_params, joint_jitter_deg=0.0, truncation_share=0.0, max_people=1, occluder_share=0.0)
    views, _ = embed_poses(views_of(params, pose, model), np.full((VIEWS, 17), 2))
    for view in (0, 4, 9):
        table = np.zeros((1, VIEWS))
        table[0, view] = 1.0
        odds = PoseOdds(replace(params, rarity_power=10.0), [pose], ViewRarity(tuple(map(tuple, table.tolist()))))
        points = seen(params, [pose], model, odds, scenes=4)
        vectors, _ = embed_poses(points, np.full(points.shape[:2], 2))
        distance = np.linalg.norm(vectors[:, None] - views, axis=2)
        off = np.abs(distance.argmin(axis=1) - view)
        assert np.minimum(off, VIEWS - off).max() <= 1 and np.median(distance.min(axis=1)) < 0.2


def test_what_is_known_is_not_rare_and_the_rest_is(small_params: RenderParams, model: BodyModel) -> None:
    poses = named("stand", "walk", "handstand", "splits")
    front = np.flatnonzero(np.abs(view_turns()) < 1)
    shown = views_of(small_params, poses[0], model)[front]
    bones, _ = pose_bones(shown, np.full(shown.shape[:2], 2))
    table = np.array(view_rarity(small_params, poses, model, KnownPoses(bones=bones, spacing=RANKS * 0.3)).of_pose)
    assert table.shape == (4, VIEWS)
    assert table[0, front].max() < 0.02, "standing, seen from where it is known"
    by_name = dict(zip([pose.name for pose in poses], table, strict=True))
    assert min(by_name["handstand"].min(), by_name["splits"].min()) > 0.99
    assert by_name["walk"].mean() < by_name["splits"].mean()


def test_frames_of_a_recording_share_what_is_computed(small_params: RenderParams, model: BodyModel) -> None:
    frames = [replace(LIBRARY[0], name=f"f{n}", family=MOTION_FAMILY) for n in range(25)]  # blocks of ten
    frames[10] = replace(named("handstand")[0], name="f10", family=MOTION_FAMILY)
    shown = views_of(small_params, LIBRARY[0], model)
    bones, _ = pose_bones(shown, np.full(shown.shape[:2], 2))
    table = np.array(view_rarity(small_params, frames, model, KnownPoses(bones=bones, spacing=RANKS * 0.3)).of_pose)
    assert table[10].min() > 0.99 and np.array_equal(table[19], table[10]) and table[[0, 9, 20, 24]].max() < 0.02


def test_the_default_draws_people_who_are_rarer_than_real_ones(
    small_params: RenderParams, model: BodyModel, repository: Path
) -> None:
    """Against the file that params.yaml names: rarer than without, and than the real people, whose mean is 0.5."""
    (file,) = (repository / "data" / "pose_clusters").glob("poses-*.json")
    assert f"known_poses: data/pose_clusters/{file.name}" in (repository / "params.yaml").read_text()
    known = read_frozen_poses(file)
    odds = PoseOdds(small_params, LIBRARY, view_rarity(small_params, LIBRARY, model, known))
    means = []
    for given in (None, odds):
        points = seen(small_params, LIBRARY, model, given, scenes=30)
        means.append(known.rarity(known.distance(points, np.full(points.shape[:2], 2))).mean())
    assert means[1] > max(means[0] + 0.02, 0.9) and means[0] > 0.5
