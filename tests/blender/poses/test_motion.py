"""BVH files: positions against arithmetic, poses whose limbs point where the file's do, and files that are broken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dataengine.blender.geometry.rotations import from_euler, unit
from dataengine.blender.poses.bvh import read_bvh
from dataengine.blender.poses.library import read_pose_library
from dataengine.blender.poses.motion import read_motion
from dataengine.blender.poses.posing import bent_spine
from dataengine.blender.scene.params import RenderParams
from dataengine.blender.scene.spec import draw_scene
from dataengine.errors import InputError, ParamsError

ARM = """HIERARCHY
ROOT Hips
{{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Elbow
  {{
    OFFSET 0 10 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {{
      OFFSET 0 5 0
    }}
  }}
}}
MOTION
Frames: 1
Frame Time: 0.04
{values}
"""
LIMBS = {
    "left_arm": ("LeftArm", "LeftForeArm", "LeftHand"),
    "right_arm": ("RightArm", "RightForeArm", "RightHand"),
    "left_leg": ("LeftUpLeg", "LeftLeg", "LeftFoot"),
    "right_leg": ("RightUpLeg", "RightLeg", "RightFoot"),
}


@given(st.lists(st.floats(-180, 180), min_size=6, max_size=6), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
@settings(max_examples=50, deadline=None)
def test_positions_are_the_product_of_the_turns_in_the_order_of_the_channels(
    tmp_path_factory: pytest.TempPathFactory, turns: list[float], place: list[float]
) -> None:
    path = tmp_path_factory.mktemp("bvh") / "arm.bvh"
    path.write_text(ARM.format(values=" ".join(map(str, place + turns))))
    found = read_bvh(path).positions()[0]

    def turn(z: float, x: float, y: float) -> np.ndarray:
        about = [Rotation.from_rotvec(np.deg2rad(angle) * np.eye(3)[axis]) for angle, axis in ((z, 2), (x, 0), (y, 1))]
        return np.asarray((about[0] * about[1] * about[2]).as_matrix())

    first, second = turn(*turns[:3]), turn(*turns[3:])
    elbow = np.array(place) + first @ [0, 10, 0]
    np.testing.assert_allclose(found, [place, elbow, elbow + first @ second @ [0, 5, 0]], atol=1e-9)


@pytest.mark.realdata
def test_limbs_of_a_pose_point_where_the_clip_says(shared_data: Path) -> None:
    path = shared_data / "motion" / "dab.bvh"
    bvh, motion = read_bvh(path), read_motion(path)
    placed = bvh.positions()  # z is up in this file
    index = {joint.name: number for number, joint in enumerate(bvh.joints)}
    assert len(motion.poses) == len(placed) == 339
    for frame in range(0, 339, 20):
        pose = motion.poses[frame]
        for name, (start, middle, end) in LIMBS.items():
            limb = getattr(pose, name)
            carried = from_euler(pose.root) @ (bent_spine(pose.spine) if name.endswith("arm") else np.eye(3))
            for direction, (a, b) in ((limb.upper, (start, middle)), (limb.lower, (middle, end))):
                expected = unit(placed[frame, index[b]] - placed[frame, index[a]])
                np.testing.assert_allclose(carried @ unit(direction), expected, atol=1e-6)


@pytest.mark.realdata
@pytest.mark.parametrize("clip", ["dab", "jesse_dance", "jumping", "jumping_jacks", "wave_hello", "zombie"])
def test_people_in_every_clip_stand_upright_most_of_the_time_and_jump_when_they_jump(
    shared_data: Path, clip: str
) -> None:
    poses = read_motion(shared_data / "motion" / f"{clip}.bvh").poses
    upright = [from_euler(pose.root)[2, 2] for pose in poses]
    assert np.median(upright) > 0.85
    flight = max(pose.airborne for pose in poses)
    assert flight < 0.7
    if clip == "jumping":
        assert flight > 0.15


@pytest.mark.realdata
def test_a_share_of_people_moves_as_the_clip_does(shared_data: Path, small_params: RenderParams) -> None:
    clip = shared_data / "motion" / "zombie.bvh"
    params = replace(small_params, motions=[str(clip)], motion_share=0.5)
    poses = read_pose_library() + read_motion(clip).poses
    drawn = [person.pose.name for index in range(200) for person in draw_scene(params, poses, index).people]
    share = np.mean([name.startswith("zombie:") for name in drawn])
    assert share == pytest.approx(0.5, abs=0.1)


def test_without_motions_scenes_are_what_they_were(small_params: RenderParams) -> None:
    with pytest.raises(ParamsError, match="BVH files"):
        replace(small_params, motion_share=0.5)
    drawn = {p.pose.family for index in range(50) for p in draw_scene(small_params, read_pose_library(), index).people}
    assert "motion" not in drawn


GOOD = ARM.format(values="0 0 0 0 0 0 0 0 0")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda text: "", "not a complete BVH"),
        (lambda text: text.replace("HIERARCHY", "HIER"), "expected HIERARCHY"),
        (lambda text: text.replace("OFFSET 0 10 0", "OFFSET 0 ten 0"), "'ten'"),
        (lambda text: text.replace("Yrotation", "Wrotation"), "Wrotation"),
        (lambda text: text.replace("CHANNELS 6", "CHANNELS 999999999"), "up to 6"),
        (lambda text: text.partition("JOINT")[0], "end inside the skeleton"),
        (lambda text: text.partition("MOTION")[0], "the end of the file"),
        (lambda text: text.replace("Frames: 1", "Frames: 7"), "7 frames of 9 values"),
        (lambda text: text.replace("Frames: 1", "Frames: -1"), "number of frames"),
        (lambda text: text.replace("Time: 0.04", "Time: 0"), "time above 0"),
        (lambda text: text.rstrip()[:-1] + "nan", "finite"),
        (lambda text: text, "lacks joints"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, spoil: Callable[[str], str], complaint: str) -> None:
    path = tmp_path / "clip.bvh"
    path.write_text(spoil(GOOD))
    with pytest.raises(InputError, match=complaint) as caught:
        read_motion(path)
    assert "clip.bvh" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_skeleton_nested_ten_thousand_deep_is_read(tmp_path: Path) -> None:
    deep = "JOINT j\n{\nOFFSET 0 1 0\nCHANNELS 0\n" * 10_000 + "}\n" * 10_000
    path = tmp_path / "deep.bvh"
    path.write_text(GOOD.replace("JOINT Elbow", deep + "JOINT Elbow"))
    assert len(read_bvh(path).joints) == 10_003


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.bvh cannot be read"):
        read_bvh(tmp_path / "none.bvh")
