"""Which teachers are asked, and how the views of one become its opinion."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.judges.answers import TeacherAnswers
from dataengine.people import Images
from dataengine.train.pseudo import teachers
from dataengine.train.pseudo.teachers import BLAZEPOSE, ask_teachers, opinion_of_views


def test_a_joint_of_views_lies_in_their_middle_as_far_apart_as_its_worst_sign() -> None:
    """The mirror image's distance where it is the larger one, else the spread of all views."""
    points = np.full((1, 17, 2), 50.0)
    mirrored, views = points.copy(), np.stack([points, points])
    mirrored[0, 0, 0] += 5.0  # one of four answers: a spread of 2.5
    views[:, 0, 1] += [[3.0], [-3.0]]  # two of four, 3 from the middle: a spread of sqrt(18 / 4)
    found = opinion_of_views(TeacherAnswers(points, np.full((1, 17), 0.7), mirrored, views))
    assert found.keypoints_px[0, 1].tolist() == found.keypoints_px[0, 2].tolist() == [50.0, 50.0]
    assert found.flip_distance_px[0, :1] == pytest.approx([5.0])
    assert not found.flip_distance_px[0, 2:].any() and (found.confidence == 0.7).all()


@pytest.mark.parametrize("teacher", [None, Path("models/fit-teacher")])
def test_blazepose_is_asked_and_the_fitted_teacher_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, teacher: Path | None
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(teachers, "ask_models", lambda images, models, names, **_: asked.extend(names))
    ask_teachers(Images.build(id=[], path=[], width=[], height=[]), Path("models"), teacher, max_gap=3)
    assert asked == [BLAZEPOSE, *([] if teacher is None else ["models/fit-teacher"])]
