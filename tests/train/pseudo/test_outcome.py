"""What becomes of whole people: why they are dropped, and the box of those that are kept."""

from dataclasses import replace

import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.people import Images, People
from dataengine.train.pseudo.filters import BOTH, KEPT, NOBODY, UNSURE, JointVerdict
from dataengine.train.pseudo.outcome import as_candidates, pseudo_label_metrics
from dataengine.train.pseudo.persons import person_reasons

from .judged import PARAMS, opinion


def test_a_kept_persons_box_is_drawn_around_what_was_kept() -> None:
    """The unsure ankles of somebody who stands behind a table do not stretch the box."""
    at = np.stack([20 + 5.0 * (np.arange(17) % 4), 20 + 5.0 * (np.arange(17) // 4)], axis=1)
    at[15:] = [[20, 110], [35, 110]]
    points, flags = np.repeat(at[None], 2, axis=0), np.full((2, 17), 2)
    images = Images.build(id=[1], path=["a.png"], width=100, height=120)
    found = People.build(
        image_id=[1, 1], bbox_xywh_px=[[15, 10, 30, 110]] * 2, keypoints_px=points, visibility=flags, source="pseudo"
    )
    reason = np.full((2, 17), KEPT, dtype="<U8")
    reason[0, 15:], reason[1] = UNSURE, UNSURE
    trust = (reason == KEPT).astype(np.float64)
    verdict = JointVerdict(points, reason, np.where(reason == KEPT, BOTH, NOBODY), np.array([True, False]), trust)
    teacher = opinion(2)
    dropped_for = np.array(["", "few_joints"])
    people = as_candidates(found, images, verdict, {"blazepose": teacher, "fitted": teacher}, dropped_for)
    kept = box_from_keypoints(points[:1, :15], flags[:1, :15])
    np.testing.assert_allclose(people.bbox_xywh_px, [kept[0], found.bbox_xywh_px[1]], rtol=1e-6)
    assert people.extras["area_from"].tolist() == ["joints", "box"]
    assert people.weight.tolist() == [1.0, 0.0] and people.extras["joint_weight"].tolist() == trust.tolist()


def test_metrics_are_shares_of_all_joints_and_of_those_that_are_learned_from() -> None:
    points = np.zeros((2, 17, 2))
    reason = np.full((2, 17), KEPT, dtype="<U8")
    reason[0, :3], reason[1] = UNSURE, UNSURE
    vouched = np.where(reason == KEPT, BOTH, NOBODY)
    verdict = JointVerdict(points, reason, vouched, np.array([True, False]), np.full((2, 17), 0.5))
    images = Images.build(id=[1], path=["a.png"], width=100, height=120)
    metrics = pseudo_label_metrics(images, verdict, np.array(["", "few_joints"]))
    assert (metrics["people_found"], metrics["people_kept"], metrics["people_dropped"]["few_joints"]) == (2, 1, 1)
    assert metrics["joint_share"][KEPT] == 0.4118 and metrics["joint_share"][UNSURE] == 0.5882  # 14 and 20 of 34
    assert sum(metrics["vouched_share"].values()) == 1.0 and metrics["mean_trust"] == 0.5
    assert sorted(metrics["learned_vouched_share"].values())[-2:] == [0.0, 1.0]
    assert metrics["joint_acceptance"]["nose"] == 0.0 and metrics["joint_acceptance"]["left_ankle"] == 0.5


def test_people_are_dropped_whole_for_a_reason_each() -> None:
    """Too few joints, a forearm three times as long, followed over one frame of three, and two teachers' persons."""
    points = np.tile(at_ease(), (5, 1, 1))
    points[1, 9] = points[1, 7] + 6 * (points[1, 9] - points[1, 7])
    people = People.build(
        image_id=[1] * 5, bbox_xywh_px=[[0, 0, 100, 200]] * 5, keypoints_px=points, visibility=np.full((5, 17), 2)
    )
    reason, vouched = np.full((5, 17), KEPT, dtype="<U8"), np.full((5, 17), BOTH, dtype="<U8")
    vouched[3, :9] = "disputed"
    kept = np.array([False, True, True, True, True])
    verdict = JointVerdict(points, reason, vouched, kept, np.ones((5, 17)))
    params = replace(PARAMS, max_limb_excess=1.7, min_track_frames=3)
    got = person_reasons(people, verdict, params, followed=np.array([9, 9, 1, 9, 1]), shown=np.array([9, 9, 9, 9, 1]))
    assert got.tolist() == ["few_joints", "limbs", "track_break", "disagreement", ""]
    nobody = person_reasons(
        people.take([]), verdict.take(np.empty(0, int)), params, followed=np.empty(0, int), shown=np.empty(0, int)
    )
    assert len(nobody) == 0


def at_ease() -> np.ndarray:
    """Somebody who stands, 17 joints in pixels."""
    x = [50, 52, 48, 54, 46, 62, 38, 66, 34, 68, 32, 57, 43, 57, 43, 57, 43]
    y = [12, 10, 10, 11, 11, 30, 30, 60, 60, 88, 88, 92, 92, 135, 135, 178, 178]
    return np.stack([x, y], axis=1).astype(np.float64)
