import math

import numpy as np
import pytest

from dataengine.errors import InputError
from dataengine.evaluation.ap.poses import detections_of, truths_of
from dataengine.evaluation.ap.protocol import COCO
from dataengine.evaluation.figures import Figures, figures_of
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People

from . import reference, samples


def labelled_people() -> tuple[People, Images]:
    images = samples.images(6)
    return samples.truth(images, 2, np.random.default_rng(0)), images


def predicted(people: People, noise: float) -> People:
    """A prediction of each person, in the same row."""
    rng = np.random.default_rng(1)
    size = people.bbox_xywh_px[:, 2:].max(axis=1)[:, None, None]
    points = people.keypoints_px + rng.normal(size=people.keypoints_px.shape) * noise * size
    return people.replace(
        keypoints_px=points.astype(np.float32), score=rng.uniform(size=len(people)).astype(np.float32), extras={}
    )


DIAGONALS = (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))


def slow_pck(people: People, found: People) -> float:
    near = []
    for row in range(len(people)):
        points = dict(zip(COCO_KEYPOINTS, people.keypoints_px[row].astype(float), strict=True))
        labelled = [name for name, flag in zip(COCO_KEYPOINTS, people.visibility[row], strict=True) if flag > 0]
        torso = max((math.dist(points[a], points[b]) for a, b in DIAGONALS if {a, b} <= set(labelled)), default=0)
        torso = torso or people.bbox_xywh_px[row, 2:].max() / 2
        for name in labelled:
            near.append(math.dist(points[name], found.keypoints_px[row, COCO_KEYPOINTS.index(name)]) <= 0.2 * torso)
    return sum(near) / len(near)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.06, 0.5])
def test_figures_are_pycocotools_and_a_slow_pck(noise: float) -> None:
    people, images = labelled_people()
    found = predicted(people, noise)
    truths, image_id = truths_of(people, images)
    truth_records = reference.truth_records(truths, image_id)
    result_records = reference.result_records(detections_of(found, images, image_id), image_id)
    expected = reference.figures(reference.evaluator(truth_records, result_records, image_id, COCO))
    figures = figures_of(people, images, found)
    assert figures.ap == pytest.approx(expected["AP"], abs=1e-9)
    assert figures.ap50 == pytest.approx(expected["AP50"], abs=1e-9)
    assert figures.pck_02 == pytest.approx(slow_pck(people, found))


def test_a_set_of_crowds_has_no_ap() -> None:
    people, images = labelled_people()
    crowds = people.with_extra("iscrowd", np.ones(len(people), dtype=int))
    assert figures_of(crowds, images, predicted(crowds, 0.0)) == Figures(0.0, 0.0, 1.0)


def test_nobody_is_refused() -> None:
    people, images = labelled_people()
    with pytest.raises(InputError, match="nobody"):
        figures_of(people.take([]), images, people.take([]))
