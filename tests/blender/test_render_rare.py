"""Real pictures by real workers: with some poses known, those that are rendered are rarer; resuming gives the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.blender.batch.fingerprint import render_fingerprint
from dataengine.blender.body.model import BodyModel
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.render import run
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.pose_views import views_of
from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.people import People
from dataengine.poses.embedding import pose_bones
from dataengine.poses.known_poses import RANKS, KnownPoses, frozen_name, rounded_bones, write_known_poses

pytestmark = pytest.mark.bpy


@pytest.fixture(scope="module")
def params(small_params: RenderParams) -> RenderParams:
    """Eight tiny pictures of people in ordinary poses."""
    tiny = replace(small_params, images=8, width_px=48, height_px=48, samples=1, workers=2)
    return replace(tiny, extreme_share=0.0, rarity_power=4.0)


@pytest.fixture(scope="module")
def known(params: RenderParams, body_cache: Path) -> KnownPoses:
    """Real people who stand and walk, seen from all sides."""
    model = BodyModel.load(body_cache)
    shown = [pose for pose in read_pose_library() if pose.family in ("standing", "walking")]
    points = np.concatenate([views_of(params, pose, model) for pose in shown])
    bones, usable = pose_bones(points, np.full(points.shape[:2], 2))
    assert usable.all()
    return KnownPoses(bones=rounded_bones(bones), spacing=RANKS * 0.5)


def rendered(params: RenderParams, out: Path, cache: Path) -> People:
    run(params, out=out, cache=cache)
    return read_people(out / "people.json")[0]


def test_what_is_rendered_is_rarer_and_resumes(
    params: RenderParams, known: KnownPoses, body_cache: Path, tmp_path: Path
) -> None:
    frozen, out = tmp_path / frozen_name(known), tmp_path / "rare"
    write_known_poses(frozen, known)
    plain = rendered(params, tmp_path / "plain", body_cache)
    params = replace(params, known_poses=str(frozen))
    rare = rendered(params, out, body_cache)

    def rarity(people: People) -> float:
        return float(known.rarity(known.distance(people.keypoints_px, people.visibility)).mean())

    assert rarity(rare) > rarity(plain) + 0.1
    written = {path: path.stat().st_mtime_ns for path in (out / "sidecars").iterdir()}
    (out / "sidecars" / "000003.json").unlink()
    again = rendered(params, out, body_cache)
    assert {path.name for path, at in written.items() if path.stat().st_mtime_ns != at} == {"000003.json"}
    assert np.array_equal(again.keypoints_px, rare.keypoints_px), "resumed, and the same"
    assert render_fingerprint(params) != render_fingerprint(replace(params, known_poses=""))


def test_a_renamed_file_is_refused_before_anything_is_rendered(
    params: RenderParams, known: KnownPoses, body_cache: Path, tmp_path: Path
) -> None:
    write_known_poses(tmp_path / "mine.json", known)
    with pytest.raises(InputError, match="not named by its poses"):
        run(replace(params, known_poses=str(tmp_path / "mine.json")), out=tmp_path / "out", cache=body_cache)
    assert not list((tmp_path / "out").rglob("*.png"))
