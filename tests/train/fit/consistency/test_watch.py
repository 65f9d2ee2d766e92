"""What is watched: the figures against plain numpy, and which histories are a collapse."""

import numpy as np
import pytest
import torch

from dataengine.errors import InputError
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.train.fit.consistency.watch import (
    ACCEPTED,
    AGREEMENT,
    FOREGROUND,
    PCK,
    SPREAD,
    STUDENT_FOREGROUND,
    figures_of_sums,
    refuse_collapse,
    sums_of,
)

HEALTHY = {FOREGROUND: 0.5, STUDENT_FOREGROUND: 0.4, ACCEPTED: 0.3, AGREEMENT: 0.5, SPREAD: 0.2, PCK: 0.5}


def test_figures_are_the_means_over_all_steps() -> None:
    rng = np.random.default_rng(1)
    taught = np.arange(17) < 12
    possible = (rng.random((20, 17)) < 0.8) & taught
    accepted = possible & (rng.random((20, 17)) < 0.4)
    confidence, student = rng.random((2, 20, 17))
    agrees = rng.random((20, 17)) < 0.6
    places = rng.normal(60, 9, (20, 17, 2))
    sums = np.zeros(1)
    for rows in (slice(0, 7), slice(7, 20)):
        part = sums_of(
            accepted=torch.from_numpy(accepted[rows]).float(),
            possible=torch.from_numpy(possible[rows]),
            confidence=torch.from_numpy(confidence[rows]),
            student_confidence=torch.from_numpy(student[rows]),
            agrees=torch.from_numpy(agrees[rows]),
            places_px=torch.from_numpy(places[rows]),
        )
        sums = sums + part.numpy()
    figures = figures_of_sums(sums, (128, 96), taught)
    assert figures[FOREGROUND] == pytest.approx(confidence[possible].mean())
    assert figures[STUDENT_FOREGROUND] == pytest.approx(student[possible].mean())
    assert figures[AGREEMENT] == pytest.approx(agrees[possible].mean())
    assert figures[ACCEPTED] == pytest.approx(accepted.sum() / possible.sum())
    assert figures[SPREAD] == pytest.approx((places.std(axis=0) / [128, 96])[taught].mean())
    for joint in range(12):
        share = accepted[:, joint].sum() / possible[:, joint].sum()
        assert figures[f"accepted/{COCO_KEYPOINTS[joint]}"] == pytest.approx(share)
    assert len([name for name in figures if name.startswith("accepted/")]) == 12


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        ({FOREGROUND: 0.2}, "sees less and less"),
        ({ACCEPTED: 0.05}, "hardly any joint"),
        ({SPREAD: 0.05}, "the same pose"),
        ({PCK: 0.2}, "found no more"),
        ({AGREEMENT: 0.9, PCK: 0.2}, "not with labels"),
    ],
)
def test_a_fall_below_the_best_epoch_is_a_collapse(changes: dict[str, float], meaning: str) -> None:
    refuse_collapse([HEALTHY])
    refuse_collapse([HEALTHY, {name: 0.8 * value for name, value in HEALTHY.items()}])
    with pytest.raises(InputError, match=f"epoch 2: .*{meaning}"):
        refuse_collapse([HEALTHY, HEALTHY, {**HEALTHY, **changes}])


def test_what_never_rose_cannot_fall() -> None:
    refuse_collapse([{**HEALTHY, ACCEPTED: 0.04}, {**HEALTHY, ACCEPTED: 0.0}])
