"""Sigmas and gross errors against annotators whose errors are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.datasets.annotators.agreement import (
    AnnotatorAgreement,
    _interval,
    agreement,
    plain_sigma,
    robust_sigma,
)
from dataengine.datasets.annotators.pairing import Pairing
from dataengine.evaluation.analysis.resampled import expanded
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SIGMAS, FLIP_INDEX
from dataengine.people import People

AREA = 90.0**2


def labelled_twice(n: int, seed: int, *, scale: float = 1.0, sigmas: np.ndarray = COCO_SIGMAS) -> tuple[People, People]:
    """`n` people far apart, each labelled by two annotators with independent errors of these sigmas."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 2000, (n, 17, 2))
    made = []
    for _ in range(2):
        error = rng.normal(size=truth.shape) * sigmas[:, None] / np.sqrt(2) * np.sqrt(AREA)
        made.append(
            People.build(
                image_id=np.arange(n),
                bbox_xywh_px=np.tile([0, 0, 2000, 2000], (n, 1)),
                keypoints_px=(truth + error) * scale,
                visibility=np.full((n, 17), 2),
                extras={"area": np.full(n, AREA * scale**2)},
            )
        )
    return made[0], made[1]


def compared(first: People, second: People) -> AnnotatorAgreement:
    rows = np.arange(len(first))
    return agreement(first, second, Pairing(rows, rows, rows, (0, 0), len(rows)))


def test_sigmas_of_annotators_with_cocos_sigmas_are_cocos() -> None:
    found = compared(*labelled_twice(400, seed=3))
    assert list(found.joints) == list(COCO_KEYPOINTS)
    inside = 0
    for joint, true in zip(found.joints.values(), COCO_SIGMAS, strict=True):
        assert joint.sigma is not None and joint.pairs == 400 and joint.gross <= 1 and joint.one_alone == 0
        assert joint.sigma.value == pytest.approx(true, rel=0.15)
        assert joint.plain_sigma == pytest.approx(true, rel=0.12)
        inside += joint.sigma.low <= true <= joint.sigma.high
    assert inside >= 14, "nominally 95 % of 17"


def test_a_tenth_of_gross_errors_hardly_moves_sigma_and_is_counted() -> None:
    first, second = labelled_twice(200, seed=4)
    points = second.keypoints_px.copy()
    points[:20, 9] += 300.0
    found = compared(first, second.replace(keypoints_px=points)).joints["left_wrist"]
    assert found.sigma is not None and found.sigma.value == pytest.approx(0.062, rel=0.2)
    assert found.plain_sigma > 10 * 0.062
    assert found.gross == 20


@settings(max_examples=8, deadline=None)
@given(st.floats(0.05, 20.0))
def test_the_size_of_people_does_not_matter(scale: float) -> None:
    plain, scaled = (compared(*labelled_twice(12, seed=5, scale=s)) for s in (1.0, scale))
    for one, other in zip(plain.joints.values(), scaled.joints.values(), strict=True):
        assert one.sigma is not None and other.sigma is not None
        assert other.sigma.value == pytest.approx(one.sigma.value, rel=0.02)  # labels are float32


def test_the_interval_is_that_of_the_people_drawn_again_and_again() -> None:
    rng = np.random.default_rng(0)
    for n in (10, 11):
        squared, draws = rng.exponential(1.0, n), rng.multinomial(6, np.full(n, 1 / n), size=300)
        draws[:5] = 0  # pictures without a pair of this joint
        drawn = [robust_sigma(np.repeat(squared, count)) for count in draws if count.any()]
        found = _interval(squared, draws, n, 0.9)
        assert (found.low, found.high) == pytest.approx(
            tuple(np.quantile(drawn, [expanded(share, n) for share in (0.05, 0.95)]))
        )
        assert found.value == robust_sigma(squared)


def test_people_of_a_single_picture_give_no_sigma() -> None:
    """Others may be labelled quite differently; its interval had no width."""
    first, second = labelled_twice(12, seed=5)
    rows = np.arange(12)
    found = agreement(first, second, Pairing(rows, rows, rows * 0, (0, 0), 1))
    assert all(joint.sigma is None and joint.pairs == 12 for joint in found.joints.values())


def test_the_robust_sigma_is_the_maximum_likelihood_one_of_clean_errors() -> None:
    squared = np.random.default_rng(0).exponential(2 * 0.05**2, 200_000)  # d^2 of two labels: mean 2 sigma^2
    assert robust_sigma(squared) == pytest.approx(0.05, rel=0.01)
    assert plain_sigma(squared) == pytest.approx(0.05, rel=0.01)


def test_labels_of_one_alone_flags_and_few_pairs() -> None:
    first, second = labelled_twice(9, seed=6)
    flags = second.visibility.copy()
    flags[:4, 0], flags[4:, 0], flags[:3, 1] = 1, 2, 0
    mine = first.visibility.copy()
    mine[:4, 0] = 1
    found = compared(first.replace(visibility=mine), second.replace(visibility=flags)).joints
    assert found["nose"].sigma is None and found["nose"].pairs == 9
    assert found["nose"].flag_kappa == pytest.approx(1.0)
    assert (found["left_eye"].pairs, found["left_eye"].one_alone) == (6, 3)
    assert np.isnan(found["right_eye"].flag_kappa), "all visible: chance and agreement are the same"


def test_a_person_with_left_and_right_exchanged_is_found() -> None:
    first, second = labelled_twice(15, seed=7)
    points = second.keypoints_px.copy()
    points[[2, 11]] = points[[2, 11]][:, FLIP_INDEX]
    assert compared(first, second.replace(keypoints_px=points)).exchanged == (2, 11)
