"""People with labels, and witnesses who see the truth with some noise, for the tests of the search."""

import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.keypoints import FLIP_INDEX
from dataengine.people import Images, People
from dataengine.train.mistakes.hypotheses import Questions, questions, size_px
from dataengine.train.mistakes.witness import Witness, from_points

from ...helpers.pose_samples import FIGURES


def labelled(count: int, seed: int = 0) -> tuple[People, Images]:
    """People of three poses, from in front or behind, one in each picture of 500 x 500."""
    rng = np.random.default_rng(seed)
    figures = np.stack(FIGURES)[rng.integers(0, len(FIGURES), count)]
    behind = rng.random(count) < 0.4
    figures[behind] = figures[behind][:, FLIP_INDEX]
    points = (figures + rng.normal(0, 0.02, figures.shape)) * 200 + rng.uniform(80, 180, (count, 1, 2))
    flags = np.full(points.shape[:2], 2)
    flags[:, :5] = 0
    people = People.build(
        image_id=np.arange(count), bbox_xywh_px=box_from_keypoints(points, flags), keypoints_px=points, visibility=flags
    )
    paths = [f"pictures/{row}.jpg" for row in range(count)]
    return people, Images.build(id=np.arange(count), path=paths, width=500, height=500)


def asked_of(people: People, seed: int = 0) -> Questions:
    return questions(people, np.random.default_rng(seed))


def seeing(truth: People, people: People, asked: Questions, *, noise_px: float = 6.0, seed: int = 0) -> Witness:
    """A witness who sees `truth`, and is asked about `people`, whose labels may be wrong."""
    rng = np.random.default_rng(seed)
    points = truth.keypoints_px + rng.normal(0, noise_px, truth.keypoints_px.shape)
    confidence = rng.uniform(0.4, 0.9, truth.visibility.shape)
    return from_points("seeing", points, confidence, asked, size_px(people))
