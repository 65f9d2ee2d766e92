"""Exchanged sides: found in constructed people, judged alike in the mirror, never judged from too few."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.coco_json import read_people
from dataengine.datasets.checks.sides import (
    LEAST_PEOPLE,
    REGULARISATION,
    fit_odd_logistic,
    side_odds,
    swapped_sides,
)
from dataengine.datasets.checks.teacher_sides import judge_sides
from dataengine.datasets.pose_embedding import mirror
from dataengine.keypoints import FLIP_INDEX
from dataengine.people import People, box_from_keypoints

from ..pose_samples import FIGURES

ARMS = np.arange(5, 11)


def facing(count: int, seed: int = 0) -> People:
    """People of three poses seen from in front or behind, shoulders and hips facing alike, and turned by chance."""
    rng = np.random.default_rng(seed)
    figures = np.stack(FIGURES)[rng.integers(0, len(FIGURES), count)]
    behind = rng.random(count) < 0.4
    figures[behind] = figures[behind][:, FLIP_INDEX]
    angle = rng.normal(0, 0.3, count)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    points = (figures @ turn + rng.normal(0, 0.02, figures.shape)) * 200 + 300
    return built(points)


def built(points: NDArray[np.float64]) -> People:
    flags = np.full(points.shape[:2], 2)
    box = box_from_keypoints(points, flags)
    return People.build(image_id=np.arange(len(points)), bbox_xywh_px=box, keypoints_px=points, visibility=flags)


def with_exchanged_arms(people: People, rows: NDArray[np.int64]) -> People:
    points = people.keypoints_px.copy()
    points[np.ix_(rows, ARMS)] = points[np.ix_(rows, FLIP_INDEX[ARMS])]
    return people.replace(keypoints_px=points)


def test_exchanged_arms_are_found_among_people_seen_from_either_side() -> None:
    planted = np.arange(0, 900, 45)
    people = with_exchanged_arms(facing(900), planted)
    found = {fault.row for fault in swapped_sides(people, prior=0.05, probability=0.5)}
    assert len(found & set(planted.tolist())) >= 0.9 * len(planted)
    assert len(found - set(planted.tolist())) <= 0.01 * len(people)


def test_a_stricter_probability_doubts_fewer() -> None:
    people = with_exchanged_arms(facing(600), np.arange(0, 600, 60))
    numbers = [len(swapped_sides(people, prior=0.05, probability=p)) for p in (0.01, 0.5, 0.999)]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > 0


def test_the_odds_of_a_set_and_of_its_mirror_image_are_the_same() -> None:
    people = facing(400)
    points, flags = mirror(people.keypoints_px, people.visibility)
    mirrored = people.replace(keypoints_px=points.astype(np.float32), visibility=flags.astype(np.uint8))
    for name in ("body", "limbs"):
        ours, theirs = (getattr(side_odds(p), name) for p in (people, mirrored))
        np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.05)


def test_exchanging_all_sides_turns_the_odds_of_the_body_and_leaves_those_of_the_limbs() -> None:
    people = facing(400)
    exchanged = people.replace(keypoints_px=people.keypoints_px[:, FLIP_INDEX])
    ours, theirs = side_odds(people), side_odds(exchanged)
    np.testing.assert_allclose(ours.limbs, theirs.limbs, rtol=0.02, atol=0.05)
    assert (ours.body > 0).mean() > 0.5 and (theirs.body > 0).mean() > 0.5, "each set is its own measure"


@pytest.mark.parametrize("shift", [0.0, 0.3, 5.0])
def test_the_model_is_that_of_scikit_learn(shift: float) -> None:
    from sklearn.linear_model import LogisticRegression

    features = np.random.default_rng(0).normal(0, 1, (500, 12)) + shift * np.eye(12)[0]
    both, labels = np.concatenate([features, -features]), np.repeat([1, 0], 500)
    model = LogisticRegression(C=REGULARISATION, fit_intercept=False, tol=1e-9, max_iter=5000).fit(both, labels)
    np.testing.assert_allclose(fit_odd_logistic(features), model.coef_[0], atol=1e-5)


def test_few_people_are_not_judged() -> None:
    people = facing(LEAST_PEOPLE - 1)
    assert np.isnan(side_odds(people).body).all() and not swapped_sides(people, prior=0.9, probability=0.01)
    assert not swapped_sides(People.empty(), prior=0.05, probability=0.5)


def test_a_teacher_is_believed_only_where_it_sees_one_of_the_two() -> None:
    people = facing(4)
    teacher = people.keypoints_px.astype(np.float64)
    teacher[0] = teacher[0, FLIP_INDEX]
    teacher[1] += 400  # sees somebody else
    teacher[2] = np.nan
    assert [fault.row for fault in judge_sides(people, teacher)] == [0]
    flags = people.visibility.copy()
    flags[0, 7:] = 0  # one pair left is too little
    assert not judge_sides(people.replace(visibility=flags), teacher)


@pytest.mark.realdata
@pytest.mark.slow
def test_arms_exchanged_by_hand_in_lspet_are_doubted_far_more_often(shared_data: Path) -> None:
    people, _ = read_people(shared_data / "lspet/annotations.json")
    planted = np.arange(0, len(people), 40)
    doubted = {f.row for f in swapped_sides(with_exchanged_arms(people, planted), prior=0.05, probability=0.5)}
    untouched = np.setdiff1d(np.arange(len(people)), planted)
    hit = np.isin(planted, list(doubted)).mean()
    false = np.isin(untouched, list(doubted)).mean()
    assert false < 0.02 and hit > 8 * false, f"{hit:.1%} of the exchanged, {false:.1%} of the others"
