"""Exchanged sides: found in constructed people, judged alike in the mirror, never judged from too few."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.boxes import box_from_keypoints
from dataengine.coco_json import read_people
from dataengine.crops.spec import CropSpec, apply_affine, crop_matrix, extract_crop, invert_affine
from dataengine.datasets.checks.sides import swapped_sides
from dataengine.datasets.checks.teacher_sides import judge_sides
from dataengine.keypoints import FLIP_INDEX
from dataengine.mistakes.side_odds import LEAST_PEOPLE, REGULARISATION, fit_odd_logistic, side_odds
from dataengine.people import People
from dataengine.pictures.reading.decoding import read_picture

from ...helpers.pose_samples import FIGURES

ARMS, LEGS = np.arange(5, 11), np.arange(11, 17)


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


def exchanged(people: People, rows: NDArray[np.int64], joints: NDArray[np.int64] = ARMS) -> People:
    points, flags = people.keypoints_px.copy(), people.visibility.copy()
    points[np.ix_(rows, joints)] = points[np.ix_(rows, FLIP_INDEX[joints])]
    flags[np.ix_(rows, joints)] = flags[np.ix_(rows, FLIP_INDEX[joints])]
    return people.replace(keypoints_px=points, visibility=flags)


def test_exchanged_arms_are_found_among_people_seen_from_either_side() -> None:
    planted = np.arange(0, 900, 45)
    people = exchanged(facing(900), planted)
    found = {fault.row for fault in swapped_sides(people, prior=0.05, probability=0.5)}
    assert len(found & set(planted.tolist())) >= 0.9 * len(planted)
    assert len(found - set(planted.tolist())) <= 0.01 * len(people)


def test_a_stricter_probability_doubts_fewer() -> None:
    people = exchanged(facing(600), np.arange(0, 600, 60))
    numbers = [len(swapped_sides(people, prior=0.05, probability=p)) for p in (0.01, 0.5, 0.999)]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > 0


def test_the_odds_of_a_set_and_of_its_mirror_image_are_the_same() -> None:
    people = facing(400)
    all_exchanged = exchanged(people, np.arange(400), np.arange(17))
    mirrored = all_exchanged.replace(keypoints_px=all_exchanged.keypoints_px * np.array([-1, 1], np.float32))
    for name in ("body", "limbs"):
        ours, theirs = (getattr(side_odds(p), name) for p in (people, mirrored))
        np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.05)


def test_exchanging_all_sides_turns_the_odds_of_the_body_and_leaves_those_of_the_limbs() -> None:
    people = facing(400)
    ours, theirs = side_odds(people), side_odds(exchanged(people, np.arange(400), np.arange(17)))
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
@pytest.mark.parametrize(("joints", "least"), [(ARMS, 0.1), (LEGS, 0.1), (np.arange(5, 17), 0.0)])
def test_sides_exchanged_by_hand_in_lspet_are_doubted_far_more_often(
    shared_data: Path, joints: NDArray[np.int64], least: float
) -> None:
    people, _ = read_people(shared_data / "lspet/annotations.json")
    planted = np.random.default_rng(0).choice(len(people), 300, replace=False)
    doubted = [f.row for f in swapped_sides(exchanged(people, planted, joints), prior=0.05, probability=0.5)]
    hit = np.isin(planted, doubted).mean()
    false = np.isin(np.setdiff1d(np.arange(len(people)), planted), doubted).mean()
    print(f"{len(joints)} joints from {joints[0]}: {hit:.1%} of the exchanged doubted, {false:.2%} of the others")
    assert false < 0.01 and hit >= least


@pytest.mark.realdata
@pytest.mark.slow
def test_a_second_teacher_finds_bodies_exchanged_by_hand_in_lspet(shared_data: Path) -> None:
    model = shared_data.parent / "models/movenet-thunder.onnx"
    if not model.exists():
        pytest.skip(f"no teacher at {model}")
    people, images = read_people(shared_data / "lspet/annotations.json")
    people = people.take(np.arange(240))
    teacher = movenet(model, people, [shared_data / "lspet/images" / Path(path).name for path in images.path[:240]])
    planted = np.arange(0, 240, 4)
    doubted = [fault.row for fault in judge_sides(exchanged(people, planted, np.arange(17)), teacher)]
    hit = np.isin(planted, doubted).mean()
    false = np.isin(np.setdiff1d(np.arange(240), planted), doubted).mean()
    assert hit > 0.4 and false < 0.15, f"{hit:.0%} of the exchanged, {false:.0%} of the others"


def movenet(model: Path, people: People, paths: list[Path]) -> NDArray[np.float64]:
    """MoveNet's joints (n, 17, 2) in image pixels, of the square around each box."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model)
    spec = CropSpec(256, 256)
    matrices = crop_matrix(people.bbox_xywh_px, spec)
    poses = []
    for path, matrix in zip(paths, matrices, strict=True):
        crop = extract_crop(read_picture(path), matrix, spec)[None, :, :, ::-1].astype(np.int32)
        yx = session.run(None, {session.get_inputs()[0].name: crop})[0][0, 0, :, :2]
        poses.append(apply_affine(invert_affine(matrix), yx[:, ::-1].astype(np.float64) * 256))
    return np.stack(poses)
