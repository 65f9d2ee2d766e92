"""Mistakes made on purpose: as many as asked, each what its kind says, and nothing else changed."""

import numpy as np
import pytest

from dataengine.boxes import box_from_keypoints
from dataengine.keypoints import FLIP_INDEX
from dataengine.train.mistakes.hypotheses import EXCHANGES, limb_px
from dataengine.train.mistakes.unlabelled import Sighting
from dataengine.train.studies.mistakes.inject import SHIFT, Injected, inject

from ...mistakes.witnesses import labelled

COUNT = 400


def seen_beside(count: int, spare: int) -> Sighting:
    """A second person in the pictures of all but the last `spare`, away from the first."""
    people, _ = labelled(count, seed=9)
    points = people.keypoints_px.astype(np.float64)
    points += 480 - points.max(axis=1, keepdims=True)
    return Sighting(np.arange(count - spare), points[: count - spare], np.full(count - spare, 0.9))


@pytest.fixture(scope="module")
def injected() -> Injected:
    truth, images = labelled(COUNT)
    return inject(truth, images, seen_beside(COUNT, 20), 0.05, np.random.default_rng(0))


def test_every_kind_is_made_once_per_person(injected: Injected) -> None:
    kinds, counts = np.unique(injected.kind, return_counts=True)
    made = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    unflagged = {"neighbour", "person", "sides", "arms", "legs", "joint", "missing"}
    assert set(made) == unflagged | {""}, "nobody's flag: the set has one flag alone"
    assert all(18 <= made[kind] <= 20 for kind in unflagged)
    assert len(injected.kept) == COUNT - made["missing"]


def test_only_what_the_kind_says_is_changed(injected: Injected) -> None:
    truth, _ = labelled(COUNT)
    changed = (injected.people.keypoints_px != truth.keypoints_px).any(axis=2)
    assert not changed[np.isin(injected.kind, ("", "missing"))].any()
    for kind, joints in EXCHANGES.items():
        rows = np.flatnonzero(injected.kind == kind)
        others = np.setdiff1d(np.arange(17), joints)
        np.testing.assert_array_equal(
            injected.people.keypoints_px[np.ix_(rows, joints)], truth.keypoints_px[np.ix_(rows, FLIP_INDEX[joints])]
        )
        assert not changed[np.ix_(rows, others)].any()
    rows = np.flatnonzero(injected.joint >= 0)
    assert (changed[rows].sum(axis=1) == 1).all() and changed[rows, injected.joint[rows]].all()


def test_shifts_are_as_long_as_stated_and_boxes_follow(injected: Injected) -> None:
    truth, _ = labelled(COUNT)
    rows = np.flatnonzero(injected.kind == "joint")
    joint = injected.joint[rows]
    moved = np.linalg.norm(injected.people.keypoints_px[rows, joint] - truth.keypoints_px[rows, joint], axis=1)
    limbs = moved / limb_px(truth)[rows, joint]
    np.testing.assert_allclose(limbs, injected.limbs[rows], rtol=1e-4)
    assert SHIFT[0] <= limbs.min() and limbs.max() <= SHIFT[1]
    points = injected.people.keypoints_px[rows]
    assert ((points >= -0.5) & (points < 499.5)).all()
    extent = box_from_keypoints(points, injected.people.visibility[rows], margin=0.0)
    box = injected.people.bbox_xywh_px[rows]
    inside = (box[:, :2] <= extent[:, :2] + 0.01) & (box[:, :2] + box[:, 2:] >= extent[:, :2] + extent[:, 2:] - 0.01)
    assert inside.all(axis=1).mean() > 0.9


def test_joints_go_to_the_other_person_and_boxes_of_whole_poses_stay(injected: Injected) -> None:
    truth, _ = labelled(COUNT)
    other = seen_beside(COUNT, 20).keypoints_px
    for row in np.flatnonzero(np.isin(injected.kind, ("neighbour", "person"))):
        joints = slice(5, 17) if injected.kind[row] == "person" else injected.joint[row]
        np.testing.assert_allclose(injected.people.keypoints_px[row, joints], other[row, joints], rtol=1e-5)
    whole = injected.kind == "person"
    np.testing.assert_array_equal(injected.people.bbox_xywh_px[whole], truth.bbox_xywh_px[whole])


def test_flags_are_turned_in_a_set_that_has_both() -> None:
    truth, images = labelled(COUNT)
    flags = truth.visibility.copy()
    flags[::2, 9] = 1
    truth = truth.replace(visibility=flags)
    made = inject(truth, images, None, 0.05, np.random.default_rng(0))
    rows = np.flatnonzero(made.kind == "flag")
    assert len(rows) == 20 and not np.isin(made.kind, ("neighbour", "person")).any()
    turned = made.people.visibility[rows] != flags[rows]
    assert turned[np.arange(20), made.joint[rows]].all() and turned.sum() == 20
