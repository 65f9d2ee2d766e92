"""What the two teachers say: BlazePose of the people it finds, the fitted network of the same boxes.

Each answers twice, on the image and on its mirror image; the closer the two answers, the more it is trusted.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dataengine.adopted.runner import load_adopted_runner
from dataengine.blazepose.in_images import Found, as_people, find_people
from dataengine.inference.exported import ONNX_FP32
from dataengine.inference.running.predict import load_runner, predict_both_ways
from dataengine.judges.answers import TeacherAnswers, blazepose_answers, network_answers
from dataengine.judges.turned_views import fused_views
from dataengine.people import JOINTS, Images, People

from .filters import Opinion

BLAZEPOSE = "blazepose"
TEACHERS = (BLAZEPOSE, "fitted")
"""In the order in which they are asked; the names of their columns in candidates.json."""


def blazepose_opinion(found_people: list[Found]) -> Opinion:
    """BlazePose's joints, and their distance from its answer on the mirror image."""
    n = len(found_people)
    points = np.array([p.landmarks.keypoints_px for p in found_people], dtype=np.float64).reshape(n, JOINTS, 2)
    mirrored = np.array([person.mirrored_px for person in found_people], dtype=np.float64).reshape(n, JOINTS, 2)
    confidence = np.array([p.landmarks.confidence for p in found_people], dtype=np.float64).reshape(n, JOINTS)
    return Opinion(points, confidence, np.linalg.norm(points - mirrored, axis=2))


def fitted_opinion(checkpoint: Path, people: People, images: Images) -> Opinion:
    """The joints inside the boxes of `people`, of the network in folder `checkpoint`: one fitted here, or adopted."""
    is_adopted = (checkpoint / ONNX_FP32).is_file()
    runner, meta = load_adopted_runner(checkpoint) if is_adopted else load_runner(checkpoint)
    both = predict_both_ways(runner, meta, people, images, description="fitted teacher")
    points = both.plain.keypoints_px.astype(np.float64)
    apart = np.linalg.norm(points - both.mirrored.keypoints_px, axis=2)
    return Opinion(points, both.plain.confidence.astype(np.float64), apart)


def opinion_of_views(answers: TeacherAnswers) -> Opinion:
    """All views fused: medians of the joints, and the larger of the views' spread and the mirror image's distance."""
    every = [answers.points_px, answers.mirrored_px, *answers.views_px]
    points, confidence, spread = fused_views(every, [answers.confidence])
    apart = np.linalg.norm(answers.points_px - answers.mirrored_px, axis=2)
    return Opinion(points, confidence, np.maximum(apart, spread))


def ask_teachers(
    images: Images, models: Path, teacher: Path | None, *, max_gap: int
) -> tuple[People, tuple[Opinion, ...]]:
    """Everybody whom BlazePose finds, with its joints, and what it and the fitted `teacher` say of them.

    Args:
        images: The frames to look at.
        models: The folder of BlazePose's models.
        teacher: A checkpoint folder; None asks BlazePose alone.
        max_gap: Largest distance between frames over which people are followed.
    """
    return ask_models(images, models, [BLAZEPOSE, *([str(teacher)] if teacher else [])], max_gap=max_gap)


def ask_models(
    images: Images, models: Path, teachers: Sequence[str], *, max_gap: int, views: bool = False
) -> tuple[People, tuple[Opinion, ...]]:
    """The same of any `teachers`: checkpoint folders, or ``blazepose``. With `views` each also sees `VIEWS`."""
    found = find_people(images, models, max_gap=max_gap)
    people = as_people(found, images)
    if views:
        return people, tuple(
            opinion_of_views(
                blazepose_answers(people, images, models)
                if teacher == BLAZEPOSE
                else network_answers(Path(teacher), people, images)
            )
            for teacher in teachers
        )
    return people, tuple(
        blazepose_opinion(found) if teacher == BLAZEPOSE else fitted_opinion(Path(teacher), people, images)
        for teacher in teachers
    )
