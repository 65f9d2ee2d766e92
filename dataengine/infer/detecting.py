"""Who asks the detector about which pictures: ahead of the network, and once more about people whom it did not find.

BlazePose's detector needs a face, so people who are known are also looked for where they should be, by its landmark
model. Where that is only the network's answers say, so a second detector is asked in the network's thread; the one that
looks ahead in a thread of its own remembers nothing. What is found does not depend on which of them is faster.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dataengine.coco_json import read_people_file
from dataengine.errors import InputError
from dataengine.films.detectors import BLAZEPOSE, BlazePoseDetector, BoxesOfFile, FilmDetector, Memory
from dataengine.inference.network_files import MODELS
from dataengine.leakage.film_names import film_key, is_by_content

from .shown import Shown
from .sources import PictureFiles, Source
from .step_times import StepTimes

OpenDetector = Callable[[], FilmDetector]


@runtime_checkable
class NearDetector(FilmDetector, Protocol):
    """A detector that also knows whether somebody is where they are expected."""

    def near(self, image_bgr: NDArray[np.uint8], boxes_xywh_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) of the people in the boxes (m, 4)."""


class Looking:
    """The detector of one source."""

    def __init__(self, opened: OpenDetector) -> None:
        self._open = opened
        self._ahead = opened()
        self._second: NearDetector | None = None
        self.name = self._ahead.name

    def ahead(self, pictures: Iterable[Shown], times: StepTimes) -> Iterator[Shown]:
        """The pictures, every n-th with the boxes of its people, n being the detector's."""
        for number, shown in enumerate(pictures):
            if number % self._ahead.every:
                yield shown
                continue
            self._ahead.remember([])
            with times.of("detect"):
                boxes = self._ahead.boxes(shown.index, shown.image_bgr)
            yield replace(shown, boxes_xywh_px=boxes)

    def everybody(self, shown: Shown) -> NDArray[np.float64]:
        """Boxes (n, 4) of everybody in the picture, who are looked for at once."""
        second = self._second_detector()
        second.remember([])
        return second.boxes(shown.index, shown.image_bgr)

    def near(self, shown: Shown, expected_xywh_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) of the people who are in the boxes (m, 4) of the picture, in which they are expected."""
        return self._second_detector().near(shown.image_bgr, expected_xywh_px)

    def _second_detector(self) -> NearDetector:
        if self._second is None:
            opened = self._open()
            assert isinstance(opened, NearDetector)  # nobody follows people whose boxes a file gives
            self._second = opened
        return self._second


class BoxesOfPictures:
    """The boxes that a COCO JSON of another detector gives for pictures, by their names; the others have none."""

    every = 1

    def __init__(self, path: Path, folder: Path, files: Sequence[Path], least_score: float | None = None) -> None:
        """`files` are the pictures by index, somewhere below `folder`, from which the names in the JSON count.

        Boxes whose score is below `least_score` do not count.

        Raises:
            InputError: the file is malformed, or names none of the pictures.
        """
        read = read_people_file(path)
        people, images = read.people, read.images
        named = [Path(name).relative_to(path.parent).as_posix() for name in images.path.tolist()]
        row_of = {name: row for row, name in enumerate(named)}
        rows, usable = images.rows_of(people.image_id), (people.bbox_xywh_px[:, 2:] > 0).all(axis=1)
        usable &= people.score >= (-np.inf if least_score is None else least_score)
        names = [each.relative_to(folder).as_posix() for each in files]
        if not set(names) & row_of.keys():
            got = f"{named[0] if named else 'no image'}, while the source has {names[0]}"
            raise InputError(f"{path} names none of the pictures", expected="names relative to their folder", got=got)
        self.name = path.name
        self._of_index = {
            index: people.bbox_xywh_px[usable & (rows == row_of[name])].astype(np.float64)
            for index, name in enumerate(names)
            if name in row_of
        }

    def boxes(self, index: int, image_bgr: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Those of the file."""
        return self._of_index.get(index, np.empty((0, 4)))

    def memory(self) -> Memory:
        """A file needs none."""
        return []

    def remember(self, memory: Memory) -> None:
        """There is nothing to go on from."""


def looking_at(
    source: Source,
    *,
    boxes: Path | None,
    fetched: Path,
    every: int,
    detector: str = BLAZEPOSE,
    least_score: float | None = None,
) -> Looking:
    """The detector for a source: the boxes of a file, or a `detector`, asked about every n-th frame of a film.

    `detector` is ``blazepose``, or what `TransformersDetector` opens. `least_score` is that of a person whom it or the
    file names; None: the detector's own, and all boxes of a file.

    Raises:
        InputError: the file does not fit, or a model is missing.
    """
    is_film = bool(source.video)
    if boxes is not None:
        of_pictures = (
            BoxesOfPictures(boxes, source.folder, source.files, least_score)
            if isinstance(source, PictureFiles)
            else None
        )
        of_file: FilmDetector = of_pictures or _boxes_of_film(boxes, source.video, least_score)
        return Looking(lambda: of_file)
    every = every if is_film else 1
    if detector != BLAZEPOSE:
        from dataengine.films.transformers_detector import TransformersDetector

        network = TransformersDetector(detector, every, least_score)  # without memory: one for both threads
        return Looking(lambda: network)
    # one thread: the network has the other cores meanwhile, and two need more work for the same
    return Looking(lambda: BlazePoseDetector(fetched / MODELS, every, threads=1))


def _boxes_of_film(path: Path, film: str, least_score: float | None) -> BoxesOfFile:
    """Names that hold a film's hash tell films apart; any other name may be this film's elsewhere."""
    of_film = BoxesOfFile(path, least_score)
    if is_by_content(film) and is_by_content(of_film.film) and film_key(film) != film_key(of_film.film):
        raise InputError(f"{path} has the boxes of another film", expected=film, got=of_film.film)
    return of_film
