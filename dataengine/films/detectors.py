"""Who is where in a frame: BlazePose, or boxes from a file."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dataengine.blazepose.finder import PersonFinder
from dataengine.blazepose.roi import Roi
from dataengine.coco_json import read_people
from dataengine.errors import InputError

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

    name = "blazepose"

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
    """The boxes that a COCO JSON of another detector gives for each `frame`; a frame that it does not name has none."""

    every = 1

    def __init__(self, path: Path) -> None:
        """Raises InputError where the file is malformed, or its images have no frame index or are of several films."""
        people, images = read_people(path)
        if len(images) and (images.frame < 0).all():
            raise InputError(f"{path} names no frames", expected='images with "frame", the index in the film')
        films = np.unique(images.video[images.frame >= 0]).tolist()
        if len(films) > 1:
            got = f"{len(films)}: {', '.join(films[:3])}"
            raise InputError(f"{path} has frames of several films", expected="one film in a file", got=got)
        self.name, self.film = path.name, films[0] if films else ""
        frame = images.frame[images.rows_of(people.image_id)]
        usable = (people.bbox_xywh_px[:, 2:] > 0).all(axis=1)
        self._of_frame = {
            int(index): people.bbox_xywh_px[usable & (frame == index)].astype(np.float64) for index in np.unique(frame)
        }

    def boxes(self, index: int, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Those of the file."""
        return self._of_frame.get(index, np.empty((0, 4)))

    def memory(self) -> Memory:
        """A file needs none."""
        return []

    def remember(self, memory: Memory) -> None:
        """There is nothing to go on from."""
