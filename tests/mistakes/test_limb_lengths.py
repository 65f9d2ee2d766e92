"""Lengths of limbs: a figure's own proportions come out, and a misplaced joint does not measure itself."""

import numpy as np
import pytest

from dataengine.boxes import box_from_keypoints
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.mistakes.limb_lengths import joint_excess, limb_length_px
from dataengine.people import People
from dataengine.poses.embedding import BONES

STATURE_PX = 300.0
JOINT = {name: index for index, name in enumerate(COCO_KEYPOINTS)}


def upright() -> People:
    """A flat person of the table's proportions, arms and legs hanging down."""
    points = np.zeros((17, 2))
    share = {name: bone[2] for name, bone in BONES.items()}
    for side, sign in (("left", 1), ("right", -1)):
        points[JOINT[f"{side}_shoulder"]] = sign * share["shoulders"] / 2, 0
        points[JOINT[f"{side}_hip"]] = sign * share["hips"] / 2, share[f"{side}_trunk"]
        for bone in ("upper_arm", "forearm", "thigh", "shank"):
            start, end, length = BONES[f"{side}_{bone}"]
            points[JOINT[end]] = points[JOINT[start]] + (0, length)
    flags = np.full(17, 2)
    flags[:5] = 0
    points = points * STATURE_PX + 200
    box = box_from_keypoints(points[None], flags[None])
    return People.build(image_id=1, bbox_xywh_px=box, keypoints_px=points, visibility=flags)


def moved(people: People, joint: str, by: tuple[float, float]) -> People:
    points = people.keypoints_px.copy()
    points[0, JOINT[joint]] += by
    return people.replace(keypoints_px=points)


def test_limbs_have_the_lengths_of_the_table() -> None:
    length = limb_length_px(upright())[0]
    for joint, bone in (
        ("left_wrist", "left_forearm"),
        ("right_elbow", "right_upper_arm"),
        ("left_ankle", "left_shank"),
    ):
        assert length[JOINT[joint]] == pytest.approx(BONES[bone][2] * STATURE_PX, rel=0.02)
    assert np.isnan(length[:5]).all(), "faces have no limbs"


def test_a_misplaced_joint_stretches_its_own_bone_and_does_not_measure_itself() -> None:
    wrong = moved(upright(), "left_wrist", (0.0, 200.0))
    assert limb_length_px(wrong)[0, JOINT["left_wrist"]] == pytest.approx(
        limb_length_px(upright())[0, JOINT["left_wrist"]], rel=0.02
    )
    excess = joint_excess(wrong)[0]
    assert excess[JOINT["left_wrist"]] > 3 > 1.2 > excess[JOINT["right_wrist"]]
    assert np.nanargmax(excess) in (JOINT["left_wrist"], JOINT["left_elbow"])


def test_nothing_is_said_of_people_without_labels() -> None:
    people = upright()
    nobody = people.replace(visibility=np.zeros_like(people.visibility))
    assert np.isnan(limb_length_px(nobody)).all() and np.isnan(joint_excess(nobody)).all()
    assert limb_length_px(People.empty()).shape == (0, 17)
