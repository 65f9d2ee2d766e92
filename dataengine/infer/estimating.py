"""Pictures to people with joints: crops of a few pictures at a time, so that the network answers a batch.

A film's boxes come from the joints in the batch before, so batches are short. On walking people filmed by the default
data's cameras, joints are as good (OKS 0.84) with 1, 4, 8 or 16 frames at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import Boxes, clip_boxes
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.errors import EnvironmentFault
from dataengine.films.matching import matched
from dataengine.inference.in_graph import PictureGraph
from dataengine.inference.running.predict import Prediction, Runner, predict_crops
from dataengine.inference.running.prediction import joined
from dataengine.people import JOINT_CONFIDENCE, JOINTS, People

from .detecting import Looking
from .following import LEAST_SIDE_PX, MIN_OVERLAP, Follower
from .models import OpenModel
from .shown import Answered, Shown
from .side_by_side import SideBySide
from .step_times import StepTimes

FRAMES = 8  # in a batch: a quarter of a second of a film whose boxes follow from the joints in the batch before
MOST_GAP = 10  # frames between given boxes of one person: that of `pseudo-label.max_gap`
# PyTorch keeps memory for every size of batch that it has met, so it must not be shown every size there is.
ROUND = 4


@dataclass(frozen=True, eq=False)
class Estimator:
    """A model that is asked about people in pictures."""

    model: OpenModel
    flip_test: bool = False
    """Whether the answer is averaged with that on the mirrored crop: twice the time, a little more accurate."""
    threads: SideBySide = field(default_factory=SideBySide)
    """Who cuts and reads crops."""

    def __post_init__(self) -> None:
        if self.flip_test and isinstance(self.model.runner, PictureGraph):
            fix = "leave out --flip-test, or take another file of the export"
            raise EnvironmentFault("this file cuts its crops by itself", expected="no mirror image", fix=fix)

    def people(self, pictures: Sequence[Shown], boxes: Sequence[Boxes], tracks: Sequence[NDArray]) -> list[People]:
        """The people of each picture, who stand in `boxes` (n, 4) of it and are `tracks` (n,)."""
        counts = [len(each) for each in boxes]
        found = self._found(pictures, boxes, counts)
        starts = np.cumsum([0, *counts])
        return [
            _people(found, slice(start, start + count), shown, of_picture, of_tracks)
            for shown, of_picture, of_tracks, start, count in zip(
                pictures, boxes, tracks, starts[:-1].tolist(), counts, strict=True
            )
        ]

    def _found(self, pictures: Sequence[Shown], boxes: Sequence[Boxes], counts: Sequence[int]) -> Prediction | None:
        """The joints of all of them, one picture after the other; None where there is nobody."""
        runner = self.model.runner
        if not sum(counts):
            return None
        if isinstance(runner, PictureGraph):
            shown = list(zip(pictures, boxes, strict=True))
            return joined(self.threads.map(lambda some: _read_pictures(runner, some), shown, 1))
        cuts = [
            (shown.image_bgr, matrix)
            for shown, of_picture in zip(pictures, boxes, strict=True)
            for matrix in crop_matrix(of_picture, self.model.meta.crop)
        ]
        return joined(self.threads.map(lambda some: self._read(runner, some), cuts, ROUND))

    def _read(self, runner: Runner, cuts: Sequence[tuple[NDArray[np.uint8], NDArray[np.float64]]]) -> Prediction:
        """The joints in crops of pictures by matrices (2, 3)."""
        meta, spec, count = self.model.meta, self.model.meta.crop, len(cuts)
        room = count if count < ROUND else -(-count // ROUND) * ROUND
        crops = np.zeros((room, spec.height_px, spec.width_px, 3), dtype=np.uint8)
        matrices = np.tile(np.eye(2, 3), (room, 1, 1))
        for row, (image_bgr, matrix) in enumerate(cuts):
            crops[row], matrices[row] = extract_crop(image_bgr, matrix, spec), matrix
        return predict_crops(runner, meta, crops, matrices, flip_test=self.flip_test).take(slice(count))


def _read_pictures(graph: PictureGraph, shown: Sequence[tuple[Shown, Boxes]]) -> Prediction:
    return joined([graph.predict(picture.image_bgr, boxes) for picture, boxes in shown])


def answered_film(
    pictures: Iterable[Shown], estimator: Estimator, looking: Looking, times: StepTimes, frames: int = FRAMES
) -> Iterator[Answered]:
    """The frames of a film with their people, who are followed from frame to frame, `frames` at a time."""

    def look_again(shown: Shown, expected_xywh_px: NDArray[np.float64] | None) -> NDArray[np.float64]:
        with times.of("detect again"):
            return looking.everybody(shown) if expected_xywh_px is None else looking.near(shown, expected_xywh_px)

    follower = Follower(look_again)
    for some in _batches(pictures, frames):
        with times.of("estimate", len(some)):
            placed = follower.place(some)
            people = estimator.people(some, *zip(*placed, strict=True))
            follower.learn(some, people, estimator.model.meta.is_taught)
        yield from (Answered(shown, found) for shown, found in zip(some, people, strict=True))


def answered_boxes(
    pictures: Iterable[Shown], estimator: Estimator, times: StepTimes, *, is_film: bool
) -> Iterator[Answered]:
    """The pictures with the people in the boxes that they have, and no others; in a film they are linked by overlap."""
    before, before_ids, before_index, unused = np.empty((0, 4)), np.empty(0, dtype=np.int64), 0, 0
    for some in _batches(pictures, FRAMES):
        boxes, tracks = [], []
        for shown in some:
            given = np.empty((0, 4)) if shown.boxes_xywh_px is None else shown.boxes_xywh_px
            inside = clip_boxes(given, shown.image_bgr.shape[1::-1])
            boxes.append(given[(inside[:, 2:] >= LEAST_SIDE_PX).all(axis=1)])
            ids = np.full(len(boxes[-1]), -1, dtype=np.int64)
            if is_film and len(ids):
                if shown.index - before_index <= MOST_GAP:
                    for i, j in matched(before, boxes[-1], MIN_OVERLAP):
                        ids[j] = before_ids[i]
                new = np.flatnonzero(ids < 0)
                ids[new] = unused + np.arange(len(new))
                unused += len(new)
                before, before_ids, before_index = boxes[-1], ids, shown.index
            tracks.append(ids)
        with times.of("estimate", len(some)):
            people = estimator.people(some, boxes, tracks)
        yield from (Answered(shown, found) for shown, found in zip(some, people, strict=True))


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Crops are small: OpenCV's own threads only fight those of the network."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _batches(pictures: Iterable[Shown], most: int) -> Iterator[list[Shown]]:
    some: list[Shown] = []
    for shown in pictures:
        some.append(shown)
        if len(some) == most:
            yield some
            some = []
    if some:
        yield some


def _people(found: Prediction | None, rows: slice, shown: Shown, boxes: Boxes, tracks: NDArray[np.int64]) -> People:
    """The joints that nobody taught the network are marked as not there."""
    if found is None or not len(boxes):
        return People.empty().with_extra(JOINT_CONFIDENCE, np.empty((0, JOINTS), dtype=np.float32))
    part = Prediction(
        found.keypoints_px[rows], found.confidence[rows], found.spread_px[rows], found.entropy[rows], found.person_score
    )
    people = People.build(
        image_id=np.full(len(boxes), shown.index + 1),
        bbox_xywh_px=boxes,
        keypoints_px=part.keypoints_px,
        visibility=np.tile(2 * found.person_score.taught.astype(np.uint8), (len(boxes), 1)),
        score=part.scores(boxes),
        source="pseudo",
        track_id=tracks,
    )
    return people.with_extra(JOINT_CONFIDENCE, part.confidence)
