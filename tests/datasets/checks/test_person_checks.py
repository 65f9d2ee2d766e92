"""Each check of a person: finds what was planted, and nothing on people that are as they should be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.boxes import box_from_keypoints
from dataengine.datasets.checks.duplicates import identical_images, identical_people, pair_oks, same_person_twice
from dataengine.datasets.checks.limbs import long_limbs
from dataengine.datasets.checks.person_boxes import (
    collapsed,
    joints_off_box,
    outside,
    tiny,
)
from dataengine.evaluation.ap.protocol import OksProtocol
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS, FLIP_INDEX
from dataengine.mistakes.limb_lengths import limb_excess
from dataengine.people import Images, People

from ...helpers.pose_samples import FIGURES, STANDING, crowd

JOINT = {name: index for index, name in enumerate(COCO_KEYPOINTS)}


def person(figure: np.ndarray, size: float = 200.0, at: tuple[float, float] = (100, 50), image: int = 1) -> People:
    points = (figure * size + at)[None]
    flags = np.full((1, 17), 2)
    return People.build(
        image_id=image, bbox_xywh_px=box_from_keypoints(points, flags), keypoints_px=points, visibility=flags
    )


def rows(faults: list) -> list[int]:  # type: ignore[type-arg]
    return [fault.row for fault in faults]


def test_constructed_people_are_above_suspicion() -> None:
    people = crowd((40, 40, 40))
    images = Images.build(id=people.image_id, path=people.image_id.astype(str), width=9999, height=9999)
    assert not collapsed(people) and not tiny(people, 5) and not joints_off_box(people, 0.1)
    assert not outside(people, images, 0.3) or people.bbox_xywh_px[:, :2].min() < 0
    assert not same_person_twice(people, oks=0.9, iou=0.95)
    assert not long_limbs(people, least_excess=1.7, deviations=6)


def test_joints_in_one_place_are_no_pose() -> None:
    people = People.concat([person(np.zeros((17, 2))), person(STANDING), person(STANDING)])
    flags = people.visibility.copy()
    flags[2, 2:] = 0  # two joints may lie where they like
    assert rows(collapsed(people.replace(visibility=flags))) == [0]


def test_tiny_people_are_found_by_the_area_of_their_box() -> None:
    people = People.concat([person(STANDING, 20), person(STANDING, 300)])
    assert rows(tiny(people, 32)) == [0]


@pytest.mark.parametrize(("x", "share"), [(0.0, 0.0), (-25.0, 0.25), (-60.0, 0.6), (90.0, 0.9), (400.0, 1.0)])
def test_the_share_of_a_box_outside_the_image(x: float, share: float) -> None:
    people = person(STANDING).replace(bbox_xywh_px=np.array([[x, 0, 100, 50]], dtype=np.float32))
    images = Images.build(id=[1], path=["a"], width=100, height=50)
    found = outside(people, images, 0.3)
    assert [fault.score for fault in found] == ([pytest.approx(share)] if share > 0.3 else [])


def test_a_labelled_joint_far_from_the_box_is_suspect_an_unlabelled_one_is_not() -> None:
    far = person(STANDING)
    points, flags = far.keypoints_px.copy(), far.visibility.copy()
    points[0, JOINT["left_wrist"]] += 500
    assert rows(joints_off_box(far.replace(keypoints_px=points), 0.1)) == [0]
    flags[0, JOINT["left_wrist"]] = 0
    assert not joints_off_box(far.replace(keypoints_px=points, visibility=flags), 0.1)


def test_oks_of_two_annotations_is_cocos_formula() -> None:
    pair = People.concat([person(STANDING), person(STANDING + 0.03)])
    area = 0.53 * pair.bbox_xywh_px[:, 2:].prod(axis=1).mean()
    squared = ((pair.keypoints_px[0] - pair.keypoints_px[1]) ** 2).sum(axis=1)
    expected = np.exp(-squared / (2 * area * (2 * COCO_SIGMAS) ** 2)).mean()
    assert pair_oks(pair, np.array([0]), np.array([1]))[0] == pytest.approx(expected, rel=1e-5)


def test_the_same_person_twice_is_suspect_in_one_image_only() -> None:
    close, apart = person(STANDING + 0.004), person(STANDING, at=(300, 50))
    elsewhere = person(STANDING, image=2)
    assert rows(same_person_twice(People.concat([person(STANDING), apart, close, elsewhere]), oks=0.9, iou=0.95)) == [2]


def test_by_smaller_sigmas_two_close_annotations_are_two_people() -> None:
    both = People.concat([person(STANDING), person(STANDING + 0.004)])
    assert rows(same_person_twice(both, oks=0.9, iou=0.95)) == [1]
    tenth = OksProtocol(sigmas=COCO_SIGMAS / 10)
    assert not same_person_twice(both, oks=0.9, iou=0.95, protocol=tenth)
    area = 0.53 * both.bbox_xywh_px[:, 2:].prod(axis=1).mean()
    squared = ((both.keypoints_px[0] - both.keypoints_px[1]) ** 2).sum(axis=1)
    expected = np.exp(-squared / (2 * area * (2 * tenth.sigmas) ** 2)).mean()
    assert pair_oks(both, np.array([0]), np.array([1]), tenth)[0] == pytest.approx(expected, rel=1e-5)


def test_two_boxes_without_common_joints_are_compared_as_boxes() -> None:
    both = People.concat([person(STANDING), person(STANDING)])
    flags = both.visibility.copy()
    flags[0, 9:], flags[1, :9] = 0, 0
    assert rows(same_person_twice(both.replace(visibility=flags), oks=0.9, iou=0.95)) == [1]


def test_only_what_is_identical_is_merged() -> None:
    one, nearly, other_track = (
        person(STANDING),
        person(STANDING + 1e-4),
        person(STANDING).replace(track_id=np.array([4])),
    )
    unlabelled = person(STANDING)
    flags = unlabelled.visibility.copy()
    flags[0, 3] = 0
    people = People.concat(
        [one, nearly, one, other_track, unlabelled.replace(visibility=flags), person(STANDING, image=2)]
    )
    assert identical_people(people).tolist() == [0, 1, 0, 3, 4, 5]
    assert identical_people(People.empty()).tolist() == []


def test_identical_files_are_one_picture_but_frames_of_a_video_are_not() -> None:
    images = Images.build(id=[1, 2, 3, 4, 5], path=list("abcde"), width=9, height=9, video=["", "", "", "v", "v"])
    assert identical_images(np.array(["x", "y", "x", "x", "x"]), images).tolist() == [0, 1, 0, 3, 4]


@given(st.integers(0, 2), st.sampled_from(["wrist", "ankle", "elbow", "knee"]), st.sampled_from(["left", "right"]))
def test_a_joint_far_from_where_it_belongs_makes_a_limb_too_long(kind: int, joint: str, side: str) -> None:
    people = crowd((20, 20, 20), seed=kind)
    points = people.keypoints_px.copy()
    height = np.ptp(points[3], axis=0).max()
    points[3, JOINT[f"{side}_{joint}"]] += np.float32(1.5 * height)
    found = long_limbs(people.replace(keypoints_px=points), least_excess=1.7, deviations=6)
    assert rows(found) == [3] and side in found[0].reason


@given(st.floats(0.1, 50), st.floats(-500, 500), st.integers(0, 2))
@settings(deadline=None)
def test_the_excess_knows_neither_place_nor_size_nor_mirror(scale: float, shift: float, kind: int) -> None:
    plain = person(FIGURES[kind])
    moved = plain.replace(keypoints_px=(plain.keypoints_px.astype(np.float64) * scale + shift).astype(np.float32))
    flipped = plain.replace(keypoints_px=plain.keypoints_px[:, FLIP_INDEX] * np.array([-1, 1], np.float32))
    for other in (moved, flipped):
        assert limb_excess(other)[0][0] == pytest.approx(limb_excess(plain)[0][0], rel=1e-2)


def test_too_little_labelled_is_not_judged() -> None:
    people = person(STANDING)
    flags = np.zeros((1, 17), dtype=np.uint8)
    flags[0, [JOINT["left_shoulder"], JOINT["left_elbow"], JOINT["left_wrist"]]] = 2
    assert np.isnan(limb_excess(people.replace(visibility=flags))[0]).all()
    assert not long_limbs(People.empty(), least_excess=1.7, deviations=6)
