"""Mistakes planted in constructed people: found by a witness who sees the truth, named rightly, and nowhere else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dataengine.people import People
from dataengine.train.mistakes.folds import scene_folds
from dataengine.train.mistakes.hypotheses import EXCHANGES, exchanged, limb_px
from dataengine.train.mistakes.misplaced import on_neighbour
from dataengine.train.mistakes.search import Search, judge
from dataengine.train.mistakes.unlabelled import Sighting, unlabelled_people
from dataengine.train.mistakes.verdicts import KINDS

from .search_params import SEARCH
from .witnesses import asked_of, labelled, seeing

COUNT, PLANTED = 600, 30


def search(people: People, truth: People, **changes: Any) -> Search:
    fold = np.arange(len(people)) % 4
    asked = asked_of(people)
    witness = seeing(truth, people, asked, **changes)
    return judge(SEARCH, people, asked, [witness], fold, None)


def planted(kind: str) -> tuple[People, People, np.ndarray, np.ndarray]:
    """Wrong labels, the truth, who is wrong, and which joint."""
    truth, _ = labelled(COUNT)
    rows, joint = np.arange(0, COUNT, COUNT // PLANTED), np.full(COUNT, -1)
    if kind in EXCHANGES:
        return exchanged(truth, EXCHANGES[kind], rows), truth, rows, joint
    points = truth.keypoints_px.copy()
    if kind == "person":
        points[rows] = points[np.roll(rows, 1)] + (150, 40)
        return truth.replace(keypoints_px=points), truth, rows, joint
    joint[rows] = 5 + rows // 20 % 12
    points[rows, joint[rows]] += np.stack([limb_px(truth)[rows, joint[rows]]] * 2, axis=1)
    return truth.replace(keypoints_px=points), truth, rows, joint


@pytest.mark.parametrize("kind", ["sides", "arms", "legs", "joint", "person"])
def test_planted_mistakes_lead_the_ranking_and_are_named(kind: str) -> None:
    people, truth, rows, joint = planted(kind)
    verdict = search(people, truth).verdicts
    first = np.argsort(-verdict.wrong_log_odds)[:PLANTED]
    assert np.isin(first, rows).mean() > 0.9
    index = KINDS.index(kind)
    assert (verdict.kind[rows] == index).mean() > 0.9
    assert (
        verdict.probability[rows, index].mean()
        > 0.5
        > 0.1
        > verdict.probability[~np.isin(range(COUNT), rows)].sum(1).mean()
    )
    if kind == "joint":
        assert (verdict.joint[rows, index] == joint[rows]).mean() > 0.9
        assert verdict.joint_probability[rows, joint[rows]].mean() > 0.5
        assert verdict.joint_probability[rows].sum(axis=1).mean() < 1.3


def test_the_sum_of_probabilities_is_near_the_number_of_mistakes() -> None:
    """With a prior that is true for the kind that was planted."""
    people, truth, _, _ = planted("arms")
    params = replace(SEARCH, prior=PLANTED / COUNT)
    asked = asked_of(people)
    found = judge(params, people, asked, [seeing(truth, people, asked, noise_px=25)], np.arange(COUNT) % 4, None)
    assert found.verdicts.probability[:, KINDS.index("arms")].sum() == pytest.approx(PLANTED, rel=0.35)


def test_a_witness_who_sees_nothing_convinces_nobody() -> None:
    truth, _ = labelled(COUNT)
    blind = truth.replace(keypoints_px=truth.keypoints_px[np.random.default_rng(3).permutation(COUNT)])
    verdict = search(truth, blind).verdicts
    assert verdict.probability.sum(axis=1).mean() < 0.15


def test_without_witnesses_geometry_alone_judges() -> None:
    people, _, rows, _ = planted("arms")
    found = judge(SEARCH, people, asked_of(people), [], np.arange(COUNT) % 4, None)
    assert np.isin(np.argsort(-found.verdicts.wrong_log_odds)[:PLANTED], rows).mean() > 0.5
    assert np.isneginf(found.misplaced.pose).all() and np.isneginf(found.flag).all()


def test_few_people_are_judged_without_a_crash() -> None:
    truth, _ = labelled(3)
    assert not search(truth, truth).verdicts.probability.any()


def test_a_joint_near_the_neighbours_same_joint_lies_on_the_neighbour() -> None:
    truth, _ = labelled(2)
    together = truth.replace(image_id=np.array([7, 7]))
    points = together.keypoints_px.copy()
    points[1] += 300
    points[0, 9] = points[1, 9] + 2  # the left wrist on the other's
    points[0, 10] = points[1, 9] + (120, 0)  # anywhere
    ratio = on_neighbour(together.replace(keypoints_px=points))
    assert ratio[0, 9] > 2 > 0 > ratio[0, 10]
    assert np.isneginf(on_neighbour(truth)).all(), "alone in their pictures"


def test_scenes_stay_in_one_fold_and_folds_are_even() -> None:
    people, images = labelled(40)
    group = np.array([f"scene{row // 5}" for row in range(40)])
    fold = scene_folds(people, images.replace(group=group), 4, seed=0)
    assert np.bincount(fold).tolist() == [10, 10, 10, 10]
    assert all(len(set(fold[group == name])) == 1 for name in set(group))


def test_people_without_labels_are_those_who_overlap_nobody() -> None:
    people, _ = labelled(2)
    poses = np.concatenate([people.keypoints_px[:1], people.keypoints_px[:1] + 400, people.keypoints_px[:1]])
    seen = Sighting(np.array([0, 0, 5]), poses.astype(np.float64), np.array([0.9, 0.8, 0.7]))
    assert unlabelled_people(seen, people).chance.tolist() == [0.8, 0.7]
