"""What is written: COCO JSON, one record after the other; a film, or pictures, with the people drawn in.

All lie in a hidden folder while they are written, and come to their names together at the end. A sink that was stopped
by a fault leaves nothing; one that was stopped by Ctrl-C is finished with what had come.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from dataengine.errors import WRITE_FAULTS, EnvironmentFault
from dataengine.films.coco_lines import CocoLines
from dataengine.films.drawing import draw_tracked
from dataengine.films.film_writer import FilmWriter, available_encoder
from dataengine.people import Images
from dataengine.pictures.encoding import write_picture

from .shown import Answered

PEOPLE, OVERLAY = "people.json", "overlay"
PARTIAL = ".infer.partial"
_FAULTS = WRITE_FAULTS | {errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}


class Sink(Protocol):
    """Takes every picture with its people, in their order."""

    def add(self, answered: Answered) -> None:
        """One more picture."""

    def finish(self) -> None:
        """No more come: make what was written whole."""

    def close(self) -> None:
        """Close what is open, whether it is finished or not."""


class CocoSink:
    """COCO JSON of all pictures and people; memory does not grow with it."""

    def __init__(self, folder: Path, video: str, info: dict[str, Any]) -> None:
        """`info` may change until `finish`, which writes it."""
        self._path, self._video, self._info = folder / PEOPLE, video, info
        self._scratch = folder / ".lines"
        self._lines, self._people = CocoLines(self._scratch), 0

    def add(self, answered: Answered) -> None:
        """One image, and an annotation for each of its people."""
        shown, people = answered.shown, answered.people
        height, width = shown.image_bgr.shape[:2]
        images = Images.build(
            id=[shown.index + 1],
            path=[shown.name],
            width=width,
            height=height,
            video=self._video,
            frame=shown.index if self._video else -1,
            time_s=shown.time_s,
        )
        self._lines.add(people, images, first_id=self._people + 1)
        self._people += len(people)

    def finish(self) -> None:
        """Join the records."""
        self._lines.finish(self._path, self._info)
        shutil.rmtree(self._scratch)

    def close(self) -> None:
        """Close the files of records."""
        self._lines.close()


class OverlayFilm:
    """The film with everybody drawn in."""

    def __init__(self, folder: Path) -> None:
        """Raises EnvironmentFault where nothing encodes a film."""
        encoder, suffix = available_encoder()
        self._film: FilmWriter | None = FilmWriter(folder / f"{OVERLAY}{suffix}", encoder)

    def add(self, answered: Answered) -> None:
        """One frame."""
        assert self._film is not None
        image = answered.shown.image_bgr
        self._film.write(draw_tracked(image, answered.people, self._film.size_of(image)), answered.shown.time_s)

    def finish(self) -> None:
        """End the film."""
        self.close()

    def close(self) -> None:
        """Close its file."""
        film, self._film = self._film, None
        if film is not None:
            film.__exit__(None, None, None)


class OverlayPictures:
    """Each picture with everybody drawn in, as a JPEG of its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / OVERLAY

    def add(self, answered: Answered) -> None:
        """One picture."""
        path = self._folder / f"{answered.shown.name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, draw_tracked(answered.shown.image_bgr, answered.people))

    def finish(self) -> None:
        """Every picture is whole."""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def results_folder(out: Path) -> Iterator[Path]:
    """A hidden folder in `out`, whose content replaces what has the same names there when the block ends well.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    partial, was_there = out / PARTIAL, out.is_dir()
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            for made in sorted(partial.iterdir()):
                old = out / made.name
                if old.is_dir() and not old.is_symlink():
                    shutil.rmtree(old)
                os.replace(made, old)  # noqa: PTH105
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if not was_there and out.is_dir() and not any(out.iterdir()):
                out.rmdir()
    except OSError as error:
        if error.errno not in _FAULTS:
            raise
        fix = "make room or give permission, or name another folder with --out"
        raise EnvironmentFault(f"cannot write {out}", got=str(error), fix=fix) from error
