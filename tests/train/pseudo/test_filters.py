"""Which joints are kept, and for what reason the others are not, on constructed opinions."""

from dataclasses import replace

import numpy as np
import pytest

from dataengine.train.pseudo.filters import Placement
from dataengine.train.pseudo.filters import judge_joints as judge

from .judged import ALONE, BOX, PARAMS, changed, judge_joints, moved, opinion

BETWEEN = np.array([[-1, 1], [0, 2], [1, -1]])  # three frames of one person


def test_teachers_of_one_mind_are_fully_trusted() -> None:
    verdict = judge_joints(opinion(), opinion(), BOX, ALONE, PARAMS)
    assert (verdict.reason == "kept").all()
    assert verdict.kept.all()
    np.testing.assert_allclose(verdict.trust, 1)


def test_a_joint_needs_one_confident_teacher() -> None:
    both = judge_joints(
        changed(opinion(), "confidence", 4, 0.59), changed(opinion(), "confidence", 4, 0.59), BOX, ALONE, PARAMS
    )
    assert both.reason[0, 4] == "unsure"
    one = judge_joints(changed(opinion(), "confidence", 4, 0.59), opinion(), BOX, ALONE, PARAMS)
    assert one.reason[0, 4] == "kept"
    assert one.trust[0] == pytest.approx([0.5 if joint == 4 else 1.0 for joint in range(17)])
    assert one.vouched_by[0, 4] == "second" and both.vouched_by[0, 4] == "nobody"


def test_agree_takes_both_teachers_word_and_either_one_alone() -> None:
    """The rule has the name of what it does: three joints on which both agree, one disputes, one is alone."""
    first = changed(changed(opinion(), "confidence", 4, 0.59), "confidence", 6, 0.0)
    second = changed(moved(opinion(), 8, 10.1), "confidence", 6, 0.0)
    expected = {"either-unless-disputed": "kept", "agree": "lone"}
    for rule, alone in expected.items():
        verdict = judge_joints(first, second, BOX, ALONE, replace(PARAMS, vouching=rule))  # type: ignore[arg-type]
        assert verdict.reason[0, [0, 4, 6, 8]].tolist() == ["kept", alone, "unsure", "disputed"]
        assert verdict.vouched_by[0, [0, 4, 6, 8]].tolist() == ["both", "second", "nobody", "disputed"]
        assert verdict.trust[0, [0, 4, 6, 8]].tolist() == [1.0, 0.5 if alone == "kept" else 0.0, 0.0, 0.0]


def test_joints_outside_the_picture_are_no_labels() -> None:
    """However sure both teachers are of them."""
    left, below, inside = (moved(opinion(), 0, by_px) for by_px in (-0.6, 0.0, 199.4))
    below.keypoints_px[0, 0, 1] = 99.5
    for placed, reason in ((left, "outside"), (below, "outside"), (inside, "kept")):
        verdict = judge_joints(placed, placed, BOX, ALONE, PARAMS)
        assert verdict.reason[0, :2].tolist() == [reason, "kept"]
        assert verdict.trust[0, 0] == (1.0 if reason == "kept" else 0.0)
    shown = np.array([[16, 2], [16, 2]])  # of four joints 5 px apart
    few = judge(
        opinion(2), opinion(2), Placement(np.tile(BOX, (2, 1)), shown, np.full((2, 2), -1), np.zeros(2)), PARAMS
    )
    assert (few.reason == "kept").sum(axis=1).tolist() == [1, 1] and not few.kept.any(), (
        "they do not count to min_joints"
    )


def test_a_joint_that_changes_under_mirroring_is_dropped() -> None:
    shaky = changed(opinion(), "flip_distance_px", 3, 10.1)
    assert judge_joints(shaky, shaky, BOX, ALONE, PARAMS).reason[0, 3] == "unsteady"
    steady = changed(opinion(), "flip_distance_px", 3, 9.9)
    assert judge_joints(steady, steady, BOX, ALONE, PARAMS).reason[0, 3] == "kept"


def test_teachers_that_both_vouch_must_agree() -> None:
    apart = judge_joints(opinion(), moved(opinion(), 8, 10.1), BOX, ALONE, PARAMS)
    assert apart.reason[0, 8] == "disputed"
    near = judge_joints(opinion(), moved(opinion(), 8, 5.0), BOX, ALONE, PARAMS)
    assert near.reason[0, 8] == "kept"
    assert near.keypoints_px[0, 8, 0] == 8 * 5 + 2.5
    assert near.trust[0, 7:10].tolist() == pytest.approx([1.0, 0.75, 1.0])


def test_the_teacher_that_vouches_gives_the_place() -> None:
    unsure = changed(moved(opinion(), 8, 30.0), "confidence", 8, 0.1)
    assert judge_joints(unsure, opinion(), BOX, ALONE, PARAMS).keypoints_px[0, 8, 0] == 40
    assert judge_joints(opinion(), unsure, BOX, ALONE, PARAMS).keypoints_px[0, 8, 0] == 40


def test_a_joint_that_jumps_between_its_neighbours_is_dropped() -> None:
    boxes = np.repeat(BOX, 3, axis=0)
    jumping = moved(opinion(3), 10, 10.1, row=1)
    verdict = judge_joints(jumping, jumping, boxes, BETWEEN, PARAMS)
    assert verdict.reason[:, 10].tolist() == ["kept", "jumped", "kept"]
    steady = opinion(3)
    steady.keypoints_px[:, 10, 0] += [0, 40, 80]  # fast, but straight on
    assert judge_joints(steady, steady, boxes, BETWEEN, PARAMS).reason[:, 10].tolist() == ["kept"] * 3


@pytest.mark.parametrize("middle", [0.5, 2.0, 3.9])
def test_a_steady_walker_never_jumps_however_the_frames_are_spaced(middle: float) -> None:
    """12 px a unit of time: with neighbours 2 before and 2 after, the plain mean of them would be right only at 2."""
    walker, boxes, time = opinion(3), np.repeat(BOX, 3, axis=0), [0.0, middle, 4.0]
    walker.keypoints_px[:, :, 0] += 12 * np.array(time)[:, None]
    strict = replace(PARAMS, temporal_tolerance=1e-9)
    assert (judge_joints(walker, walker, boxes, BETWEEN, strict, time).reason == "kept").all()
    off = moved(walker, 10, 10.1, row=1)
    assert judge_joints(off, off, boxes, BETWEEN, PARAMS, time).reason[:, 10].tolist() == ["kept", "jumped", "kept"]


def test_frames_shown_at_one_moment_are_compared_with_their_mean() -> None:
    """Broken time stamps divide by nothing."""
    boxes, still = np.repeat(BOX, 3, axis=0), opinion(3)
    assert (judge_joints(still, still, boxes, BETWEEN, PARAMS, [7.0, 7.0, 7.0]).reason == "kept").all()


def test_neighbours_that_nobody_vouches_for_accuse_nobody() -> None:
    jumping = moved(opinion(3), 10, 50, row=1)
    jumping.confidence[0, 10] = 0.0
    assert judge_joints(jumping, jumping, np.repeat(BOX, 3, axis=0), BETWEEN, PARAMS).reason[1, 10] == "kept"


def test_people_with_too_few_joints_are_dropped() -> None:
    few = opinion()
    few.confidence[:, 5:] = 0
    assert judge_joints(few, few, BOX, ALONE, PARAMS).kept.tolist() == [False]
    assert judge_joints(few, few, BOX, ALONE, replace(PARAMS, min_joints=5)).kept.tolist() == [True]
