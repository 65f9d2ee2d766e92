"""The interval of an area under the curve holds the true one as often as it says."""

import numpy as np
import pytest

from dataengine.train.studies.mistakes.area import auroc_interval


def test_joints_of_one_person_are_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(1)
    score, positive = rng.normal(0, 1, 60), np.arange(60) < 20
    score[positive] += 1
    alone = auroc_interval(score, positive, np.arange(60), resamples=400, rng=np.random.default_rng(0))
    repeated = auroc_interval(
        np.repeat(score, 9),
        np.repeat(positive, 9),
        np.repeat(np.arange(60), 9),
        resamples=400,
        rng=np.random.default_rng(0),
    )
    assert (repeated.value, repeated.low, repeated.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert alone.low < alone.value < alone.high


def test_the_interval_holds_the_true_area_as_often_as_it_says() -> None:
    truth, held = 0.7602, 0  # two normal distributions one apart: Phi(1 / sqrt 2)
    for trial in range(60):
        rng = np.random.default_rng(trial)
        score, positive = rng.normal(0, 1, 150), np.arange(150) < 50
        score[positive] += 1
        found = auroc_interval(score, positive, np.arange(150), resamples=200, rng=rng)
        held += found.low <= truth <= found.high
    assert held >= 52
