"""People of a labelled set through an adopted network: what it answers, and the joints of each person.

`look` shows the network a set, `joints_of` reads one of its answers for the persons it was about. A network that finds
people itself is shown each picture once; its detections are given to the labelled boxes by overlap and score, each to
at most one person, so that its own NMS, or the lack of one, makes no difference.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dataengine.adopted.contract import AnswerForm, Feed
from dataengine.adopted.feeding import as_input, cut, frame_matrix
from dataengine.adopted.opening import OpenNetwork, Tensors
from dataengine.adopted.reading import FoundPoses, read
from dataengine.boxes import Boxes, pairwise_iou
from dataengine.crops.pixels import people_by_picture
from dataengine.crops.spec import apply_affine, invert_affine
from dataengine.geometry.pixel_grid import to_corner
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture

MOST_DETECTIONS = 300  # the best of a picture: a grid without NMS has thousands
LEAST_OVERLAP = 0.1  # of a detection's joints with a labelled box, intersection over union
ReadPicture = Callable[[str], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class ShownInput:
    """One input that the network was shown, and its answer."""

    persons: NDArray[np.int64]
    """Rows of the people it was about: one, or everybody in the picture."""
    matrix: NDArray[np.float64]
    """(2, 3) picture to input pixels."""
    tensors: Tensors


@dataclass(frozen=True, eq=False)
class FoundJoints:
    """Joints of p persons in picture pixels, k of them in the network's order."""

    keypoints_px: NDArray[np.float64]  # (p, k, 2)
    confidence: NDArray[np.float64]  # (p, k)
    score: NDArray[np.float64]  # (p,) of the person; 0 for whom nothing was found


def look(
    network: OpenNetwork, feed: Feed, people: People, images: Images, pictures: ReadPicture = read_picture
) -> Iterator[ShownInput]:
    """Show the network everybody in `people`, picture by picture.

    Raises:
        InputError: a picture cannot be read, a box is empty, or the network does not run.
    """
    boxes = people.bbox_xywh_px
    for row, persons in people_by_picture(images.rows_of(people.image_id)):
        picture = pictures(str(images.path[row]))
        if feed.sees_picture:
            whole = np.array([[0, 0, picture.shape[1], picture.shape[0]]], dtype=np.float64)
            yield _shown(network, feed, picture, frame_matrix(feed, whole)[0], persons)
        else:
            for person, matrix in zip(persons, frame_matrix(feed, boxes[persons]), strict=True):
                yield _shown(network, feed, picture, matrix, np.array([person]))


def joints_of(seen: ShownInput, answers: AnswerForm, feed: Feed, boxes: Boxes) -> FoundJoints:
    """The joints of the look's persons, who stand in `boxes` (p, 4) of the picture.

    Raises:
        KeyError, ValueError: the tensors are not those that `answers` speaks of.
    """
    poses = read(seen.tensors, answers, feed.width_px, feed.height_px)
    back = invert_affine(seen.matrix)
    places = apply_affine(back, poses.keypoints_px[0].reshape(-1, 2)).reshape(poses.keypoints_px.shape[1:])
    if answers.kind != "detections":
        return FoundJoints(places, poses.confidence[0], poses.confidence[0].mean(axis=1))
    return _given_to(boxes, places, poses)


def _shown(
    network: OpenNetwork,
    feed: Feed,
    picture: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    persons: NDArray[np.int64],
) -> ShownInput:
    pixels = as_input(cut(picture, matrix, feed)[None], feed)
    return ShownInput(persons, matrix, network.run(pixels))


def _given_to(boxes: Boxes, places: NDArray[np.float64], poses: FoundPoses) -> FoundJoints:
    """Which detection each box gets; none: all joints in its middle, with confidence and score 0."""
    best = np.argsort(-poses.score[0], kind="stable")[:MOST_DETECTIONS]
    places, score, sure = places[best], poses.score[0][best], poses.confidence[0][best]
    low, high = to_corner(places.min(axis=1)), to_corner(places.max(axis=1))
    overlap = pairwise_iou(np.asarray(boxes, dtype=np.float64), np.concatenate([low, high - low], axis=1))
    persons, chosen = linear_sum_assignment(overlap * (score + 1e-6), maximize=True)
    middle = np.asarray(boxes[:, :2] + boxes[:, 2:] / 2 - 0.5, dtype=np.float64)
    joints: Any = np.repeat(middle[:, None], places.shape[1], axis=1)
    confidence, scores = np.zeros(joints.shape[:2]), np.zeros(len(boxes))
    is_close = overlap[persons, chosen] >= LEAST_OVERLAP
    persons, chosen = persons[is_close], chosen[is_close]
    joints[persons], confidence[persons], scores[persons] = places[chosen], sure[chosen], score[chosen]
    return FoundJoints(joints, confidence, scores)
