"""Where pictures come from: a film, a folder of pictures, one picture, a camera. `open_source` knows which is meant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import is_junk, sha256_file
from dataengine.leakage.film_names import film_name
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.speech import say
from dataengine.video.decoding import iter_frames

from .shown import Shown
from .sinks import OVERLAY

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2", ".ppm", ".pgm"}
)


class Source(Protocol):
    """Pictures, one after the other; read once."""

    name: str
    """What bars and reports call it."""
    video: str
    """The name of the film; "" where pictures do not follow each other in time."""
    is_live: bool
    """Whether it ends only when somebody stops it."""
    total: int | None
    """How many pictures there are; None where that is not known."""
    refused: list[str]
    """Lines about what could not be read."""

    def __iter__(self) -> Iterator[Shown]:
        """The pictures in their order. Raises InputError where there is none at all."""


@dataclass
class _Facts:
    """What `Source` asks for besides the pictures, as it is where nothing else is said."""

    name: str = field(default="", init=False)
    video: str = field(default="", init=False)
    is_live: bool = field(default=False, init=False)
    total: int | None = field(default=None, init=False)
    refused: list[str] = field(default_factory=list, init=False)


@dataclass
class FilmFile(_Facts):
    """The frames of a film, upright; lost ones are passed over."""

    path: Path

    def __post_init__(self) -> None:
        self.name, self.video = self.path.name, film_name(self.path, sha256_file(self.path))

    def __iter__(self) -> Iterator[Shown]:
        for frame in iter_frames(self.path, tell=self._tell):
            yield Shown(frame.index, frame_path(self.video, frame.index), frame.pts_s, frame.image_bgr)

    def _tell(self, line: str) -> None:
        self.refused.append(line)
        say(f"infer: {line}")


@dataclass
class PictureFiles(_Facts):
    """Pictures, each by itself; one that cannot be read is reported and passed over."""

    folder: Path
    files: Sequence[Path]
    called: str = ""
    """What bars and reports call it; by default as the folder."""

    def __post_init__(self) -> None:
        self.name, self.total = self.called or self.folder.name or str(self.folder), len(self.files)

    def __iter__(self) -> Iterator[Shown]:
        for index, path in enumerate(self.files):
            try:
                image = read_given(path)
            except InputError as error:
                self.refused.append(str(error))
                say(f"infer: {error}; it is left out")
                continue
            yield Shown(index, path.relative_to(self.folder).as_posix(), np.nan, image)
        if len(self.refused) == len(self.files):
            what = f"none of {len(self.files)} pictures" if len(self.files) > 1 else "its picture"
            what += " can be read" if len(self.files) > 1 else " cannot be read"
            raise InputError(f"{self.folder}: {what}", got=self.refused[0])


@dataclass
class LiveCamera(_Facts):
    """A camera that OpenCV opens, until it is stopped."""

    number: int

    def __post_init__(self) -> None:
        self.name = self.video = f"camera{self.number}"
        self.is_live = True
        level = cv2.getLogLevel()
        cv2.setLogLevel(0)  # what does not open is said below, in one line
        try:
            self._capture = cv2.VideoCapture(self.number)
        finally:
            cv2.setLogLevel(level)
        if not self._capture.isOpened():
            fix = "plug it in, or give another number, a film or a folder"
            raise EnvironmentFault(f"camera {self.number} does not open", fix=fix)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old pictures are of no use

    def __iter__(self) -> Iterator[Shown]:
        index, start = 0, cv2.getTickCount()
        try:
            while True:
                came, image = self._capture.read()
                if not came:
                    self.refused.append(f"camera {self.number} gives no more pictures")
                    break
                time_s = (cv2.getTickCount() - start) / cv2.getTickFrequency()
                yield Shown(index, frame_path(self.video, index), time_s, np.asarray(image, dtype=np.uint8))
                index += 1
        finally:
            self._capture.release()
        if not index:
            raise EnvironmentFault(f"camera {self.number} gives no picture", fix="close what else uses it")


def open_source(text: str, out: Path | None = None) -> Source:
    """What `text` names: the number of a camera, a folder of pictures, a picture or a film.

    Pictures that an earlier run has drawn into `out` are none of the source, though `out` lies in it.

    Raises:
        InputError: there is nothing there, the folder has no picture, or it is neither file nor folder.
        EnvironmentFault: the camera does not open.
    """
    path = Path(text)
    if text.isdecimal() and not path.exists():
        return LiveCamera(int(text))
    expected = "a film, a picture, a folder of pictures or a camera's number"
    if not text or not path.exists():
        raise InputError(f"{text or 'a source without a name'} does not exist", expected=expected)
    if not path.is_file() and not path.is_dir():  # a pipe would be waited for without an end
        raise InputError(f"{path} is not a file", expected=expected, got="a pipe or a device")
    if path.is_dir():
        inside = (each for each in sorted(path.rglob("*")) if each.suffix.lower() in SUFFIXES and each.is_file())
        files = [each for each in inside if not is_junk(each.relative_to(path)) and not _is_result(each, out)]
        if not files:
            raise InputError(f"{path} has no picture", expected="files such as .jpg or .png", fix="name another folder")
        return PictureFiles(path, files)
    if path.suffix.lower() in SUFFIXES:
        return PictureFiles(path.parent, [path], path.name)
    return FilmFile(path)


def read_given(path: Path | str) -> NDArray[np.uint8]:
    """The picture (h, w, 3) BGR that a user names: no stage has written it, so an error advises none.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return read_picture(path)
    except InputError as error:
        raise InputError(error.what, expected=error.expected, got=error.got) from error


def is_drawn(path: Path) -> bool:
    """Whether a file is called as an overlay of a picture is.

    >>> [is_drawn(Path(name)) for name in ("a.png.jpg", "a.jpg")]
    [True, False]
    """
    return path.suffix == ".jpg" and Path(path.stem).suffix.lower() in SUFFIXES


def _is_result(path: Path, out: Path | None) -> bool:
    return out is not None and path.resolve().is_relative_to(out.resolve() / OVERLAY) and is_drawn(path)


def frame_path(video: str, index: int) -> str:
    """What a frame of a film is called in COCO JSON."""
    return f"frames/{video}_{index:06d}.jpg"
