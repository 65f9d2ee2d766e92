"""The pose library: its own file is well-formed, bad lines are refused, jitter and mirror do what they say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataengine.blender.poses.library import FAMILIES, jittered, mirrored, pose_from_mapping, read_pose_library
from dataengine.errors import InputError

LINE: dict[str, Any] = {"name": "p", "family": "standing", "arms": [[0.3, 0, -1]], "legs": [[0.1, 0, -1]]}


def test_the_library_holds_many_poses_and_the_extreme_ones() -> None:
    poses = read_pose_library()
    extreme = {pose.name for pose in poses if pose.extreme}
    assert len(poses) >= 60
    assert {pose.family for pose in poses} == set(FAMILIES)
    assert {"headstand", "handstand", "bridge", "cartwheel", "splits", "downdog", "high_kick"} <= extreme
    assert len({pose.name for pose in poses}) == len(poses)


def test_every_line_of_the_file_is_one_pose() -> None:
    from dataengine.blender.poses.library import POSES_FILE

    lines = [line for line in POSES_FILE.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    assert len(lines) == len(read_pose_library())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"arm": [[1, 0, 0]]}, "unknown key"),
        ({"arms": [[1, 0]]}, "three numbers"),
        ({"arms": [[1, 0, float("nan")]]}, "three numbers"),
        ({"arms": [[0, 0, 0]]}, "directions longer than 0"),
        ({"arms": []}, "one to three directions"),
        ({"contacts": ["hands"]}, "none or two"),
        ({"contacts": ["hands", "tail"]}, "none or two"),
        ({"contacts": "hands"}, "a list of names"),
        ({"supports": [1]}, "a list of names"),
        ({5: 1}, "unknown key"),
        ({"curl": 400}, "0 to 100"),
        ({"airborne": -1}, "0 to 2"),
        ({"spine": "bent"}, "three numbers"),
        ({"family": "flying"}, "standing | walking"),
    ],
)
def test_a_bad_line_is_refused_by_name(change: dict[Any, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as raised:
        pose_from_mapping(LINE | change)
    assert "'p'" in str(raised.value)


def test_empty_lists_of_parts_are_none() -> None:
    assert pose_from_mapping({**LINE, "contacts": None, "supports": None}) == pose_from_mapping(LINE)


def test_a_missing_limb_and_a_nameless_line_are_refused() -> None:
    with pytest.raises(InputError, match="lacks left_leg"):
        pose_from_mapping({"name": "p", "family": "standing", "arms": [[1, 0, 0]]})
    with pytest.raises(InputError, match="a name"):
        pose_from_mapping({"arms": [[1, 0, 0]]})


def test_a_repeated_name_and_a_broken_file_are_refused(tmp_path: Path) -> None:
    line = "- {name: p, family: yoga, arms: [[1, 0, 0]], legs: [[0, 0, -1]]}\n"
    library = tmp_path / "poses.yaml"
    library.write_text(line * 2)
    with pytest.raises(InputError, match="p twice"):
        read_pose_library(library)
    library.write_bytes(b"- {name: \xff}")
    with pytest.raises(InputError, match="cannot be read"):
        read_pose_library(library)
    library.write_text("- {name: [")
    with pytest.raises(InputError, match="cannot be read"):
        read_pose_library(library)


def test_jitter_moves_every_limb_a_little_and_keeps_straight_limbs_straight() -> None:
    pose = pose_from_mapping(LINE)
    moved = jittered(pose, 6.0, np.random.default_rng(3))
    before = np.array(pose.left_arm.upper) / np.linalg.norm(pose.left_arm.upper)
    after = np.array(moved.left_arm.upper) / np.linalg.norm(moved.left_arm.upper)
    angle = np.rad2deg(np.arccos(before @ after))
    assert 0 < angle < 40
    assert moved.left_arm.upper == moved.left_arm.lower
    assert moved.left_arm.upper != moved.right_arm.upper


def test_mirroring_twice_gives_the_pose_back() -> None:
    pose = replace(read_pose_library()[3], root=(1.0, 2.0, 3.0))
    assert mirrored(mirrored(pose)) == pose
    assert mirrored(pose).left_arm.upper[0] == -pose.right_arm.upper[0]
