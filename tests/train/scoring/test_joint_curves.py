import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from dataengine.evaluation.analysis.calibration import reliability
from dataengine.inference.running.prediction import Prediction
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.nets.person_score import PersonScore
from dataengine.people import People
from dataengine.train.scoring.joint_curves import (
    LEAST_OF_A_JOINT,
    by_curves,
    isotonic_curve,
    joints_found,
    learnt_curves,
)

TAUGHT = np.arange(17) >= 5


def answered(n: int, seed: int) -> tuple[People, Prediction]:
    """People of 200 px whose joints are found as often as the square of the confidence says, knees always."""
    rng = np.random.default_rng(seed)
    truth = np.stack([np.stack(np.meshgrid(np.linspace(60, 240, 17), [60.0, 240.0]), -1).mean(0)] * n)
    stated = rng.uniform(0, 1, (n, 17))
    is_found = rng.uniform(size=(n, 17)) < np.where(np.arange(17) == 13, 1.0, stated**2)
    places = truth + np.where(is_found, 0.0, 150.0)[..., None]
    people = People.build(
        image_id=np.arange(n),
        bbox_xywh_px=np.tile([50.0, 50, 200, 200], (n, 1)).astype(np.float32),
        keypoints_px=truth.astype(np.float32),
        visibility=np.tile(2 * TAUGHT, (n, 1)).astype(np.uint8),
    )
    some = np.full((n, 17), 0.5, dtype=np.float32)
    return people, Prediction(places.astype(np.float32), stated.astype(np.float32), some, some, PersonScore(TAUGHT))


def test_confidence_becomes_the_share_that_is_found_on_other_people() -> None:
    people, prediction = answered(400, 0)
    curves = learnt_curves(people, prediction)
    assert curves is not None and set(curves.joints) == set(COCO_KEYPOINTS[5:])
    others, plain = answered(1500, 1)
    found = joints_found(others, plain)
    read = by_curves(plain, curves)
    for joint in (5, 13):
        before, after = (reliability(p.confidence[:, joint], found[:, joint]).ece for p in (plain, read))
        assert after < 0.06 < 0.12 < before
    order = np.argsort(plain.confidence[:, 5])
    assert (np.diff(read.confidence[order, 5]) >= 0).all()
    assert by_curves(plain, None) is plain


def test_few_labels_share_a_curve_and_very_few_leave_the_confidence() -> None:
    people, prediction = answered(LEAST_OF_A_JOINT, 2)
    flags = people.visibility.copy()
    flags[0, 9] = 0
    curves = learnt_curves(people.replace(visibility=flags), prediction)
    assert curves is not None
    assert COCO_KEYPOINTS[9] not in curves.joints and COCO_KEYPOINTS[10] in curves.joints
    assert learnt_curves(people.take(np.arange(24)), prediction.take(slice(24))) is None  # 288 labels


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60))
def test_a_curve_rises_everywhere_and_passes_the_isotonic_blocks(pairs: list[tuple[float, bool]]) -> None:
    stated, found = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    curve = isotonic_curve(stated, found)
    assert curve.stated[0] == 0 and curve.stated[-1] == 1
    level = IsotonicRegression().fit_transform(stated, found.astype(float))
    edge = 1 / (len(pairs) + 2)
    for share in np.unique(level.round(12)):
        middle = stated[level.round(12) == share].mean()
        assert curve.of(np.array(middle)) == pytest.approx(np.clip(share, edge, 1 - edge), abs=1e-9)
