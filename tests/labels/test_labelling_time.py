"""Seconds a joint, from answers whose time a tool recorded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dataengine.labels.label_file import LabelFile
from dataengine.labels.labelling_time import (
    LEAD_TIME,
    LEAST_TIMED_JOINTS,
    LONGEST_S_A_JOINT,
    measured_seconds_per_joint,
)
from dataengine.people import Images, People


def labels(pictures: int, seconds: list[float | None] | None, people: int = 2) -> LabelFile:
    """Two people with 16 joints each in every picture; `seconds` of each answer, repeated for its people."""
    n = pictures * people
    visibility = np.full((n, 17), 2)
    visibility[:, 0] = 0
    extras: dict[str, NDArray[Any]] = {
        "sha256": np.repeat(np.array([f"{i:064d}" for i in range(pictures)]), people),
        "annotator": np.full(n, "anna"),
    }
    if seconds is not None:
        extras[LEAD_TIME] = np.repeat(np.array(seconds, dtype=object), people)
    return LabelFile(
        path=Path("x.json"),
        people=People.build(
            image_id=np.repeat(np.arange(pictures), people),
            bbox_xywh_px=np.ones((n, 4)),
            keypoints_px=np.zeros((n, 17, 2)),
            visibility=visibility,
            extras=extras,
        ),
        images=Images.build(id=np.arange(pictures), path=["x"] * pictures, width=9, height=9),
        sha256=np.array([f"{i:064d}" for i in range(pictures)]),
        annotators=("anna",),
        number=1,
        at="",
        content_sha256="",
    )


def test_an_answers_time_counts_once_for_all_its_people() -> None:
    assert measured_seconds_per_joint([labels(10, [64.0] * 10)]) == pytest.approx(2.0)
    two = [labels(10, [64.0] * 10), labels(10, [128.0] * 10)]
    assert measured_seconds_per_joint(two) == pytest.approx(3.0)


def test_answers_without_a_time_and_those_left_open_over_a_break_do_not_count() -> None:
    some = [64.0] * 8 + [None, 33 * LONGEST_S_A_JOINT]
    assert measured_seconds_per_joint([labels(10, some), labels(10, None)]) == pytest.approx(2.0)


def test_a_few_times_teach_nothing() -> None:
    few = LEAST_TIMED_JOINTS // 32
    assert measured_seconds_per_joint([labels(few, [64.0] * few)]) is None
    assert measured_seconds_per_joint([]) is None
