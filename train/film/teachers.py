"""Who gives opinions of a film's people: networks, on crops that wait for each other, and BlazePose, frame by frame.

Adding a teacher: a class with the methods of `FilmTeacher`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.in_boxes import upright_region
from dataengine.blazepose.in_images import mirrored_answer
from dataengine.blazepose.model import BlazePose
from dataengine.crops.spec import crop_matrix, extract_crop
from dataengine.inference.running.predict import BATCH, Runner, predict_crops
from dataengine.nets.checkpoint import ModelMeta
from dataengine.people import JOINTS

from ..pseudo.filters import Opinion
from ..pseudo.teachers import BLAZEPOSE

# PyTorch keeps memory for every size of batch that it has met, so a film must not show it every size there is.
ROUND = 16


class FilmTeacher(Protocol):
    """Looks at people frame by frame and gives its opinion of all of them at the end of a chunk."""

    name: str

    def look(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> None:
        """Take what it needs of the people (n, 4) in a frame."""

    def opinion(self) -> Opinion:
        """What it says of everybody looked at since the last call, in their order."""


class NetworkTeacher:
    """A network: crops are cut as frames come, and answered together."""

    def __init__(self, name: str, runner: Runner, meta: ModelMeta) -> None:
        self.name, self._runner, self._meta = name, runner, meta
        self._crops: list[NDArray[np.uint8]] = []
        self._matrices: list[NDArray[np.float64]] = []

    def look(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> None:
        """Cut the crops."""
        for matrix in crop_matrix(boxes_xywh_px, self._meta.crop):
            self._crops.append(extract_crop(image_bgr, matrix, self._meta.crop))
            self._matrices.append(matrix)

    def opinion(self) -> Opinion:
        """Its answers to the crops and to their mirror images."""
        spec = self._meta.crop
        n = len(self._crops)
        room = -(-n // ROUND) * ROUND
        crops = np.zeros((room, spec.height_px, spec.width_px, 3), dtype=np.uint8)
        matrices = np.tile(np.eye(2, 3), (room, 1, 1))
        if n:
            crops[:n], matrices[:n] = self._crops, self._matrices
        self._crops, self._matrices = [], []
        plain, mirrored = (
            predict_crops(self._runner, self._meta, crops, matrices, batch=BATCH, mirrored=is_mirrored)
            for is_mirrored in (False, True)
        )
        points = plain.keypoints_px[:n].astype(np.float64)
        apart = np.linalg.norm(points - mirrored.keypoints_px[:n], axis=2)
        return Opinion(points, plain.confidence[:n].astype(np.float64), apart)


@dataclass(eq=False)
class _Answers:
    points: list[NDArray[np.float32]]
    confidence: list[NDArray[np.float32]]
    mirrored: list[NDArray[np.float32]]


class BlazePoseTeacher:
    """BlazePose's landmark model in an upright square about each box; it answers at once."""

    name = BLAZEPOSE

    def __init__(self, models: Path) -> None:
        """Raises InputError when the folder `models` lacks a model."""
        self._blazepose = BlazePose(models)
        self._answers = _Answers([], [], [])

    def look(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> None:
        """Ask about each person and its mirror image."""
        for box in boxes_xywh_px:
            region = upright_region(box)
            found = self._blazepose.landmarks(image_bgr, region)
            self._answers.points.append(found.keypoints_px)
            self._answers.confidence.append(found.confidence)
            self._answers.mirrored.append(mirrored_answer(self._blazepose, image_bgr, region))

    def opinion(self) -> Opinion:
        """The answers."""
        points, mirrored = (
            np.array(each, dtype=np.float64).reshape(-1, JOINTS, 2)
            for each in (self._answers.points, self._answers.mirrored)
        )
        confidence = np.array(self._answers.confidence, dtype=np.float64).reshape(-1, JOINTS)
        self._answers = _Answers([], [], [])
        return Opinion(points, confidence, np.linalg.norm(points - mirrored, axis=2))


def names_of(teachers: Sequence[FilmTeacher]) -> tuple[str, ...]:
    """The teachers' names, in their order."""
    return tuple(teacher.name for teacher in teachers)
