"""The scene description: pure in (params, seed, index), without Blender; its params refuse bad values."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.scene.params import CameraRanges, RenderParams
from dataengine.blender.scene.props import PROP_SIZES_M
from dataengine.blender.scene.spec import FLOORS, HDRIS, draw_scene
from dataengine.errors import ParamsError


def test_the_same_index_gives_the_same_scene(small_params: RenderParams) -> None:
    poses = read_pose_library()
    forward = [draw_scene(small_params, poses, index) for index in range(8)]
    backward = [draw_scene(small_params, poses, index) for index in reversed(range(8))]
    assert forward == backward[::-1]
    assert len({scene.texture_seed for scene in forward}) == 8


def test_more_images_or_workers_do_not_change_a_scene(small_params: RenderParams) -> None:
    poses = read_pose_library()
    larger = replace(small_params, images=400, workers=8)
    assert draw_scene(small_params, poses, 3) == draw_scene(larger, poses, 3)
    assert draw_scene(small_params, poses, 3) != draw_scene(replace(small_params, seed=12), poses, 3)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), index=st.integers(0, 10**6))
def test_every_scene_is_within_its_bounds(seed: int, index: int) -> None:
    params = _params(seed=seed)
    scene = draw_scene(params, read_pose_library(), index)
    assert 1 <= len(scene.people) <= params.max_people
    assert scene.hdri in HDRIS
    assert scene.floor in FLOORS
    assert scene.camera.height_m > 0
    for person in scene.people:
        assert all(0 <= value <= 1 for _, value in person.phenotype)
        assert person.lift_m >= 0
        assert all(0 <= part <= 1 for part in (*person.look.skin, *person.look.top.first, *person.look.hair))


def test_shares_are_obeyed() -> None:
    poses = read_pose_library()
    params = _params(extreme_share=1.0, occluder_share=0.0)
    scenes = [draw_scene(params, poses, index) for index in range(40)]
    assert all(scene.occluder is None for scene in scenes)
    assert all(person.pose.extreme for scene in scenes for person in scene.people)
    half = [draw_scene(_params(extreme_share=0.5), poses, index) for index in range(400)]
    extreme = [person.pose.extreme for scene in half for person in scene.people]
    assert np.mean(extreme) == pytest.approx(0.5, abs=0.06)


def test_describing_a_scene_loads_neither_blender_nor_torch() -> None:
    script = (
        "import sys; from dataengine.blender import render; from dataengine.blender.scene import spec, layout;"
        "assert not {'bpy', 'anny', 'torch', 'mathutils'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=dict(os.environ), timeout=60)


@pytest.mark.parametrize(
    "change",
    [
        {"images": 0},
        {"width_px": 8},
        {"samples": 0},
        {"seed": -1},
        {"max_people": 0},
        {"extreme_share": 1.2},
        {"joint_jitter_deg": -3.0},
        {"workers": 0},
        {"occluder_share": float("nan")},
        {"min_people": 4},
        {"motion_blur_share": 1.5},
        {"background_share": 0.5},
        {"sun_share": 0.7, "indoor_share": 0.5},
    ],
)
def test_bad_params_are_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(ParamsError, match=f"^{next(iter(change))}: expected"):
        _params(**change)


@pytest.mark.parametrize("name", ["focal_mm", "height_m", "pitch_deg", "roll_deg", "distance_m"])
def test_bad_camera_ranges_are_refused_by_name(name: str) -> None:
    for values in ((2.0, 1.0), (1.0, 1e4), (float("nan"), 1.0)):
        with pytest.raises(ParamsError, match=f"^{name}: expected"):
            CameraRanges(**{name: values})


def test_cameras_lamps_and_lenses_are_as_the_params_say() -> None:
    poses = read_pose_library()
    drone = CameraRanges((20.0, 30.0), (10.0, 20.0), (30.0, 80.0), (0.0, 0.0), (5.0, 30.0))
    params = _params(camera=drone, min_people=2, hdris=["own.exr"], indoor_share=0.5, defocus_share=0.5)
    scenes = [draw_scene(params, poses, index) for index in range(200)]
    assert {len(scene.people) for scene in scenes} == {2, 3}
    assert all(20 <= scene.camera.focal_mm <= 30 and 10 <= scene.camera.height_m <= 20 for scene in scenes)
    assert all(scene.camera.roll_rad == 0 for scene in scenes)
    assert np.mean([scene.hdri == "own.exr" for scene in scenes]) == pytest.approx(1 / 9, abs=0.07)
    assert np.mean([bool(scene.lamps) for scene in scenes]) == pytest.approx(0.5, abs=0.12)
    assert np.mean([scene.lens.f_stop is not None for scene in scenes]) == pytest.approx(0.5, abs=0.1)
    assert not any(scene.lens.is_moving for scene in scenes)
    assert {scene.occluder.kind for scene in scenes if scene.occluder} <= set(PROP_SIZES_M)


def test_what_is_added_to_a_scene_leaves_its_people_as_they_were() -> None:
    poses = read_pose_library()
    blurred = _params(motion_blur_share=1.0, sun_share=1.0)
    for index in range(5):
        plain, other = draw_scene(_params(), poses, index), draw_scene(blurred, poses, index)
        assert plain.people == other.people
        assert plain.camera == other.camera
        assert other.lens.is_moving and len(other.lens.drift_m) == len(other.people)


def _params(**changes: Any) -> RenderParams:
    values: dict[str, Any] = {
        "images": 4,
        "width_px": 96,
        "height_px": 96,
        "samples": 2,
        "seed": 5,
        "max_people": 3,
        "extreme_share": 0.5,
        "motions": [],
        "motion_share": 0.0,
        "joint_jitter_deg": 6.0,
        "occluder_share": 0.3,
        "truncation_share": 0.2,
        "workers": 1,
        "device": "cpu",
        "image_timeout_s": 120.0,
        "images_per_worker": 500,
        "max_skipped_share": 0.0,
    }
    return RenderParams(**values | changes)
