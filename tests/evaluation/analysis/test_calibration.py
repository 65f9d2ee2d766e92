import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from dataengine.errors import InputError
from dataengine.evaluation.analysis.calibration import reliability, score_reliability
from dataengine.evaluation.ap.matching import paired
from dataengine.evaluation.ap.oks import person_oks

from .. import samples


def test_bins_are_those_of_sklearn() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(size=2000)
    came = rng.uniform(size=2000) < sure**2
    got = reliability(sure, came)
    expected, mean = calibration_curve(came, sure, n_bins=10)
    assert got.outcome == pytest.approx(expected)
    assert got.confidence == pytest.approx(mean)
    assert got.ece == pytest.approx((np.abs(expected - mean) * got.count / 2000).sum())


def test_a_calibrated_confidence_has_hardly_an_error_and_a_boastful_one_has() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(size=50_000)
    assert reliability(sure, rng.uniform(size=50_000) < sure).ece < 0.01
    assert reliability(np.ones(100), np.zeros(100)).ece == 1.0


def test_empty_bins_are_nan_and_nothing_at_all_has_no_error() -> None:
    got = reliability(np.array([0.05, 1.0]), np.array([0.0, 1.0]))
    assert got.count.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert np.isnan(got.outcome[1:9]).all()
    assert got.ece == pytest.approx(0.025)
    assert np.isnan(reliability(np.empty(0), np.empty(0)).ece)


def test_a_confidence_outside_of_0_to_1_is_refused() -> None:
    with pytest.raises(InputError, match="confidence outside 0"):
        reliability(np.array([0.5, 1.5]), np.zeros(2))


def test_an_outcome_is_the_oks_with_the_person_found() -> None:
    """One detection for each person, in shuffled order, so that the assignment is known."""
    rng = np.random.default_rng(2)
    images = samples.images(30)
    gt = samples.truth(images, 1, rng).replace(extras={})
    visibility = gt.visibility.copy()
    visibility[:, 3] = 2  # nobody without a labelled joint
    gt = gt.replace(visibility=visibility)
    noise = rng.normal(size=gt.keypoints_px.shape) * 0.03 * gt.bbox_xywh_px[:, None, 2:]
    order = rng.permutation(30)
    found = gt.replace(
        keypoints_px=(gt.keypoints_px + noise).astype(np.float32),
        score=rng.uniform(size=30).astype(np.float32),
    )
    got = score_reliability(paired(gt, images, found.take(order)))
    assert got.ece == pytest.approx(reliability(found.score, person_oks(gt, found.keypoints_px)).ece)


def test_false_detections_have_an_outcome_of_nothing_and_ignored_people_none() -> None:
    images = samples.images(2)
    gt = samples.truth(images, 1, np.random.default_rng(3)).replace(extras={})
    visibility = np.full((2, 17), 2, dtype=np.uint8)
    visibility[1] = 0  # the second person is ignored, and the detection on it with it
    gt = gt.replace(visibility=visibility)
    far = gt.take([0]).replace(keypoints_px=gt.take([0]).keypoints_px + np.float32(5000))
    found = gt.concat([gt, far]).replace(score=np.array([0.95, 0.95, 0.35], dtype=np.float32))
    got = score_reliability(paired(gt, images, found))
    assert got.count.sum() == 2
    assert got.outcome[3] == 0.0  # the far one
    assert got.outcome[9] == pytest.approx(1.0)
