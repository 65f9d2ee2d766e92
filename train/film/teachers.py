"""Who gives opinions of a film's people: networks, on crops that wait for each other, and BlazePose, frame by frame.

Adding a teacher: a class with the methods of `FilmTeacher`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.in_boxes import upright_region
from dataengine.blazepose.in_images import mirrored_answer
from dataengine.blazepose.model import BlazePose
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.infer.side_by_side import SideBySide
from dataengine.inference.running.predict import BATCH, Prediction, Runner, predict_crops
from dataengine.inference.running.prediction import joined
from dataengine.inference.running.runners import TorchRunner
from dataengine.judges.answers import TeacherAnswers
from dataengine.judges.turned_views import TurnedView, seen_from, turned_region
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import JOINTS

from ..pseudo.filters import Opinion
from ..pseudo.teachers import BLAZEPOSE, opinion_of_views

# PyTorch keeps memory for every size of batch that it has met, so a film must not show it every size there is.
ROUND = 16


Ask = Callable[[SideBySide], Opinion]


class FilmTeacher(Protocol):
    """Looks at people frame by frame and gives its opinion of all of them at the end of a chunk."""

    name: str

    def look(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> None:
        """Take what it needs of the people (n, 4) in a frame."""

    def ask(self) -> Ask:
        """What gives its opinion of everybody looked at since the last call, in their order.

        That may be called in another thread, while this one looks at the next people.
        """


class NetworkTeacher:
    """A network: crops are cut as frames come, and answered together."""

    def __init__(self, name: str, runner: Runner, meta: ModelMeta, views: Sequence[TurnedView] = ()) -> None:
        """`views`: what it is shown besides the crop and its mirror image."""
        self.name, self._runner, self._meta, self._views = name, runner, meta, views
        self._crops: list[NDArray[np.uint8]] = []
        self._matrices: list[NDArray[np.float64]] = []

    def look(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> None:
        """Cut the crops, for each person that of every view."""
        spec = self._meta.crop
        straight = crop_matrix(boxes_xywh_px, spec)
        for each in zip(straight, *(seen_from(straight, spec, view) for view in self._views), strict=True):
            for matrix in each:
                self._crops.append(extract_crop(image_bgr, matrix, spec))
                self._matrices.append(matrix)

    def ask(self) -> Ask:
        """Its answers to the crops and to their mirror images."""
        spec, count = self._meta.crop, 1 + len(self._views)
        crops = np.array(self._crops, dtype=np.uint8).reshape(-1, count, spec.height_px, spec.width_px, 3)
        matrices = np.array(self._matrices, dtype=np.float64).reshape(-1, count, 2, 3)
        self._crops, self._matrices = [], []
        return partial(self._opinion, crops, matrices)

    def _opinion(self, crops: NDArray[np.uint8], matrices: NDArray[np.float64], threads: SideBySide) -> Opinion:
        n = len(crops)
        padded = _padded(crops[:, 0], matrices[:, 0])
        plain, mirrored = (self._answered(*padded, threads, mirrored=is_mirrored) for is_mirrored in (False, True))
        points, confidence = plain.keypoints_px[:n].astype(np.float64), plain.confidence[:n].astype(np.float64)
        turned_back = mirrored.keypoints_px[:n].astype(np.float64)
        if not self._views:
            return Opinion(points, confidence, np.linalg.norm(points - turned_back, axis=2))
        others = range(1, 1 + len(self._views))
        turned = [self._answered(*_padded(crops[:, k], matrices[:, k]), threads, mirrored=False) for k in others]
        views = np.stack([each.keypoints_px[:n].astype(np.float64) for each in turned])
        return opinion_of_views(TeacherAnswers(points, confidence, turned_back, views))

    def _answered(
        self, crops: NDArray[np.uint8], matrices: NDArray[np.float64], threads: SideBySide, *, mirrored: bool
    ) -> Prediction:
        def read(rows: Sequence[int]) -> Prediction:
            part = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0)
            return predict_crops(self._runner, self._meta, crops[part], matrices[part], batch=BATCH, mirrored=mirrored)

        # a GPU's stream is one, and there is nothing to gain
        shared = (
            SideBySide() if isinstance(self._runner, TorchRunner) and self._runner.device.type == "cuda" else threads
        )
        return joined(shared.map(read, range(len(crops)), ROUND) or [read(())])


def _padded(crops: NDArray[np.uint8], matrices: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The crops (n, H, W, 3) and their maps, and as many empty ones as make n a multiple of `ROUND`."""
    n = len(crops)
    room = -(-n // ROUND) * ROUND
    filled, maps = np.zeros((room, *crops.shape[1:]), dtype=np.uint8), np.tile(np.eye(2, 3), (room, 1, 1))
    filled[:n], maps[:n] = crops, matrices
    return filled, maps


@dataclass(eq=False)
class _Answers:
    points: list[NDArray[np.float32]]
    confidence: list[NDArray[np.float32]]
    mirrored: list[NDArray[np.float32]]
    views: list[NDArray[np.float32]]


class BlazePoseTeacher:
    """BlazePose's landmark model in an upright square about each box; it answers at once."""

    name = BLAZEPOSE

    def __init__(self, models: Path, views: Sequence[TurnedView] = ()) -> None:
        """Raises InputError when the folder `models` lacks a model."""
        self._blazepose, self._views = BlazePose(models), views
        self._answers = _Answers([], [], [], [])

    def look(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> None:
        """Ask about each person and its mirror image."""
        for box in boxes_xywh_px:
            region = upright_region(box)
            found = self._blazepose.landmarks(image_bgr, region)
            self._answers.points.append(found.keypoints_px)
            self._answers.confidence.append(found.confidence)
            self._answers.mirrored.append(mirrored_answer(self._blazepose, image_bgr, region))
            for view in self._views:
                self._answers.views.append(
                    self._blazepose.landmarks(image_bgr, turned_region(region, view)).keypoints_px
                )

    def ask(self) -> Ask:
        """The answers, which are there already."""
        answers, self._answers = self._answers, _Answers([], [], [], [])
        return lambda threads: self._opinion(answers)

    def _opinion(self, answers: _Answers) -> Opinion:
        points, mirrored = (
            np.array(each, dtype=np.float64).reshape(-1, JOINTS, 2) for each in (answers.points, answers.mirrored)
        )
        confidence = np.array(answers.confidence, dtype=np.float64).reshape(-1, JOINTS)
        views = np.array(answers.views, dtype=np.float64).reshape(len(points), len(self._views), JOINTS, 2)
        if self._views:
            return opinion_of_views(TeacherAnswers(points, confidence, mirrored, np.swapaxes(views, 0, 1)))
        return Opinion(points, confidence, np.linalg.norm(points - mirrored, axis=2))


def names_of(teachers: Sequence[FilmTeacher]) -> tuple[str, ...]:
    """The teachers' names, in their order."""
    return tuple(teacher.name for teacher in teachers)
