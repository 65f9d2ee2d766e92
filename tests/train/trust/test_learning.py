"""Trust learned on people whose mistakes are made: calibration, what is asked and reached, refusals, files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.evaluation.analysis.calibration import reliability
from dataengine.evaluation.analysis.interval import Interval
from dataengine.people import JOINTS, Images, People
from dataengine.train.pseudo.filters import DISPUTED, KEPT, OUTSIDE, UNSURE, Placement, judge_joints
from dataengine.train.trust.figures import diagrams, first_confidence, reached
from dataengine.train.trust.fusion import fuse
from dataengine.train.trust.judging import judge
from dataengine.train.trust.known_people import KnownPeople, known_people, pair_by_boxes
from dataengine.train.trust.learning import learn_trust
from dataengine.train.trust.rule import TrustRule, read_trust, write_trust

from .made_people import ASKED, FILTERS, SIDE_PX, made


def placed(known: KnownPeople) -> Placement:
    n = len(known)
    return Placement(np.repeat(known.size_px, 4, axis=1), known.picture_px, np.full((n, 2), -1), np.zeros(n))


def rule_of(known: KnownPeople, *names: str) -> TrustRule:
    learnt = learn_trust(known, names, ASKED, FILTERS)
    assert not isinstance(learnt, str), learnt
    return learnt[0]


@pytest.fixture(scope="module")
def learned() -> tuple:
    known, _ = made(400, seed=1)
    learnt = learn_trust(known, ("a",), ASKED, FILTERS)
    assert not isinstance(learnt, str)
    return learnt


def test_calibrated_probabilities_are_near_the_true_ones(learned: tuple) -> None:
    rule, scored = learned
    new, chance = made(500, seed=2)
    verdict = judge(new.opinions, placed(new), replace_cutoffs(rule, -99.0), FILTERS)
    assert np.abs(verdict.trust - chance)[verdict.reason == KEPT].mean() < 0.12
    before, after = diagrams(scored, first_confidence(scored.known))["all"]
    assert after.ece < 0.03 < before.ece
    right = new.right(verdict.keypoints_px, 0.5)
    assert reliability(verdict.trust.ravel(), right.ravel()).ece < 0.03


def replace_cutoffs(rule: TrustRule, cutoff: float | None) -> TrustRule:
    return replace(rule, joints=tuple(joint and replace(joint, cutoff=cutoff) for joint in rule.joints))


@pytest.mark.parametrize("teachers", [1, 2])
def test_new_people_reach_what_was_asked(teachers: int) -> None:
    known, _ = made(400, seed=3, teachers=teachers)
    rule = rule_of(known, *("a", "b")[:teachers])
    new, _ = made(1500, seed=4, teachers=teachers)
    verdict = judge(new.opinions, placed(new), rule, FILTERS)
    got = reached(verdict.reason == KEPT, new.right(verdict.keypoints_px, 0.5), new.labelled, new.group)
    assert got.precision is not None
    assert 0.89 <= got.precision.low <= got.precision.value <= 0.94
    assert got.coverage.value > 0.4
    assert ((verdict.trust > 0) == (verdict.reason == KEPT)).all(), "a joint weighs what it is trusted, if accepted"


def test_two_teachers_of_independent_mistakes_accept_more_than_one() -> None:
    coverage = []
    for teachers in (1, 2):
        known, _ = made(300, seed=5, teachers=teachers)
        rule = rule_of(known, *("a", "b")[:teachers])
        new, _ = made(300, seed=6, teachers=teachers)
        coverage.append((judge(new.opinions, placed(new), rule, FILTERS).reason == KEPT).mean())
    assert coverage[1] > coverage[0] + 0.05


def test_frames_of_few_films_do_not_calibrate() -> None:
    known, _ = made(4, seed=7, per_group=200)
    why = learn_trust(known, ("a",), ASKED, FILTERS)
    assert isinstance(why, str) and why.startswith("4 groups") and "takes 48" in why


def test_joints_that_nobody_labelled_are_left_to_the_thresholds() -> None:
    known, _ = made(100, seed=8)
    flags = known.truth.visibility.copy()
    flags[:, :5] = 0
    faceless = replace(known, truth=known.truth.replace(visibility=flags))
    rule = rule_of(faceless, "a")
    assert rule.judged.tolist() == [False] * 5 + [True] * 12
    assert "nose" in rule.line() and "thresholds" in rule.line()
    new, _ = made(50, seed=9)
    verdict = judge(new.opinions, placed(new), rule, FILTERS)
    silent = replace(new.opinions[0], confidence=np.zeros((50, JOINTS)))
    plain = judge_joints(silent, new.opinions[0], placed(new), FILTERS)
    assert (verdict.reason[:, :5] == plain.reason[:, :5]).all()
    assert (verdict.trust[:, :5] == plain.trust[:, :5]).all()


def test_disputed_joints_and_those_outside_are_never_accepted() -> None:
    known, _ = made(100, seed=10, teachers=2)
    rule = rule_of(known, "a", "b")
    rule = replace_cutoffs(rule, -99.0)
    first, second = (
        replace(o, confidence=np.full((1, JOINTS), 0.99)) for o in made(1, seed=11, teachers=2)[0].opinions
    )
    at = known.truth.keypoints_px[:1].astype(np.float64)
    apart = at.copy()
    apart[0, 3, 0] += 0.2 * SIDE_PX
    at[0, 6], apart[0, 6] = -5, -5
    still = np.zeros((1, JOINTS))
    opinions = [
        replace(first, keypoints_px=at, flip_distance_px=still),
        replace(second, keypoints_px=apart, flip_distance_px=still),
    ]
    place = Placement(np.array([[50, 50, SIDE_PX, SIDE_PX]]), np.array([[400, 400]]), np.array([[-1, -1]]), np.zeros(1))
    verdict = judge(opinions, place, rule, FILTERS)
    assert verdict.reason[0, 3] == DISPUTED and verdict.reason[0, 6] == OUTSIDE
    assert (verdict.reason[0, [0, 1, 2, 4, 5]] == KEPT).all()
    never = replace_cutoffs(rule, None)
    assert (judge(opinions, place, never, FILTERS).reason == UNSURE).all()


def test_people_are_paired_by_boxes_whatever_their_joints() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 10, 10], [0, 0, 10, 10]], dtype=float)
    labelled = People.build(
        image_id=[1, 1, 2], bbox_xywh_px=boxes, keypoints_px=np.zeros((3, 17, 2)), visibility=np.full((3, 17), 2)
    )
    found = People.build(
        image_id=[1, 1, 3],
        bbox_xywh_px=boxes[[1, 0, 2]] + 1,
        keypoints_px=np.full((3, 17, 2), 9.0),
        visibility=np.full((3, 17), 2),
    )
    mine, theirs = pair_by_boxes(labelled, found)
    assert (mine.tolist(), theirs.tolist()) == ([0, 1], [1, 0])
    images = Images.build(id=[1, 2], path=["a.png", "b.png"], width=50, height=60, video=["film", "film"], frame=[0, 1])
    opinion = made(3, seed=0)[0].opinions[0]
    known = known_people(labelled, images, found, [opinion])
    assert known.groups == 1 and known.picture_px.tolist() == [[50, 60]] * 2
    assert (known.opinions[0].keypoints_px == opinion.keypoints_px[[1, 0]]).all()


def test_the_likeliest_answer_is_taken_where_nobody_vouches() -> None:
    one, other = made(1, seed=12, teachers=2)[0].opinions
    chance = np.full((2, 1, JOINTS), 0.2)
    chance[1] = 0.3
    fused = fuse([one, other], chance, np.array([[SIDE_PX]]), agreement_tolerance=0.1)
    assert (fused.keypoints_px == other.keypoints_px).all() and not fused.vouched.any() and not fused.disputed.any()


def test_a_rule_is_the_same_after_writing_and_a_damaged_one_is_refused(learned: tuple, tmp_path: Path) -> None:
    rule, _ = learned
    write_trust(tmp_path / "trust.json", rule)
    assert read_trust(tmp_path / "trust.json") == rule
    record = json.loads((tmp_path / "trust.json").read_text())
    damaged: list[object] = [
        {**record, "format": 7},
        {**record, "joints": record["joints"][:3]},
        {**record, "a": 1},
        [],
    ]
    for broken in damaged:
        (tmp_path / "broken.json").write_text(json.dumps(broken))
        with pytest.raises(InputError):
            read_trust(tmp_path / "broken.json")


def test_intervals_of_what_was_reached_hold_the_share() -> None:
    accepted, right = np.array([[True, False], [True, True]]), np.array([[True, True], [False, True]])
    got = reached(accepted, right, np.ones((2, 2), bool), np.array([0, 1]))
    assert (got.accepted, got.labelled, got.right) == (3, 4, 2)
    assert got.precision is not None and got.precision.value == pytest.approx(2 / 3)
    assert got.precision.low <= 2 / 3 <= got.precision.high and got.coverage.value == 0.75
    one_place = reached(accepted, right, np.ones((2, 2), bool), np.array([0, 0]))
    assert one_place.precision == Interval(2 / 3, 0.0, 1.0)  # others may be anything
    none = reached(accepted & False, right, np.ones((2, 2), bool), np.array([0, 1]))
    assert none.precision is None and none.coverage.value == 0
    unlabelled = reached(accepted, right, np.zeros((2, 2), bool), np.array([0, 1]))
    assert unlabelled.coverage == Interval(0.0, 0.0, 1.0)
