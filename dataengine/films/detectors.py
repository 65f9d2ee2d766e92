"""Who is where in a frame: BlazePose, or boxes from a file."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.finder import PersonFinder
from dataengine.blazepose.roi import Roi
from dataengine.errors import ParamsError

from .box_files import read_boxes

BLAZEPOSE = "blazepose"
Memory = list[list[float]]
"""What a detector remembers from frame to frame, as JSON has it."""


class FilmDetector(Protocol):
    """Finds people in the frames of a film, in their order."""

    name: str
    """What reports call it."""
    every: int
    """It is asked about every n-th frame; boxes in between are interpolated."""

    def boxes(self, index: int, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Boxes (n, 4) xywh px of the people in frame `index`, none of them empty."""

    def memory(self) -> Memory:
        """What it needs to go on after this frame."""

    def remember(self, memory: Memory) -> None:
        """Go on from there."""


class BlazePoseDetector:
    """BlazePose's detector, and its landmark model to follow people whose face it does not see."""

    name = BLAZEPOSE

    def __init__(self, models: Path, every: int, threads: int = 2) -> None:
        """Raises InputError when the folder `models` lacks a model."""
        self.every = every
        self._find = PersonFinder(models, threads)

    def boxes(self, index: int, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The boxes that `PersonFinder` finds."""
        return self._find(image_bgr)

    def near(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) of the people in the boxes (m, 4), which its landmark model sees without any face."""
        return self._find.near(image_bgr, boxes_xywh_px)

    def memory(self) -> Memory:
        """The regions in which the people of the last frame would be."""
        return [[r.center_x_px, r.center_y_px, r.side_px, r.angle_rad] for r in self._find.regions]

    def remember(self, memory: Memory) -> None:
        """Look there next."""
        self._find.regions = [Roi(*region) for region in memory]


class BoxesOfFile:
    """The boxes that a file of another detector gives for each frame; a frame that it does not name has none."""

    every = 1

    def __init__(self, path: Path, least_score: float | None = None) -> None:
        """Boxes whose score is below `least_score` do not count. Raises InputError as `read_boxes` does."""
        of_file = read_boxes(path)
        self.name, self.film = path.name, of_file.film
        counts = of_file.score >= (-np.inf if least_score is None else least_score)
        self._of_frame = {
            int(index): of_file.boxes_xywh_px[counts & (of_file.frame == index)] for index in np.unique(of_file.frame)
        }

    def boxes(self, index: int, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Those of the file that show a part of the picture: others are of another film, or of another size."""
        found = self._of_frame.get(index, np.empty((0, 4)))
        size_px, ends = image_bgr.shape[1::-1], found[:, :2] + found[:, 2:]
        return np.asarray(found[((found[:, :2] < size_px) & (ends > 0)).all(axis=1)])

    def memory(self) -> Memory:
        """A file needs none."""
        return []

    def remember(self, memory: Memory) -> None:
        """There is nothing to go on from."""


def check_choice(detector: str, boxes: Path | None, least_score: float | None) -> None:
    """Raises ParamsError where the options of a command contradict each other or choose nothing."""
    if boxes is not None and detector != BLAZEPOSE:
        raise ParamsError("--boxes and --detector exclude each other", fix="give the one that you mean")
    if least_score is not None and boxes is None and detector == BLAZEPOSE:
        raise ParamsError("--box-score is of --boxes or of another --detector: BlazePose has its own", got=detector)
    if least_score is not None and not np.isfinite(least_score):
        raise ParamsError("--box-score does not fit", expected="a number", got=str(least_score))
