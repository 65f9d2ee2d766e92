"""The images a source names: inside its folder, not too large by their headers, and of the stated size, upright.

Nothing is decoded here: that a picture decodes to its last byte is a check of the set (`datasets/checks`).
"""

import os
import stat
import unicodedata
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from dataengine.dvc_cache.enclosure import Enclosure
from dataengine.errors import InputError
from dataengine.people import Images
from dataengine.pictures.reading.header import PictureFault, PictureHeader, read_header
from dataengine.pictures.stated_sizes import size_faults

from .picture_search import LONGEST_NAME, PictureSearch
from .reading.content import BadRecord, Limits, Reject, is_whole, need, shown

CHUNK = 64
SEEN_TWICE = "this image id appears in the file more than once"


@dataclass(frozen=True)
class Named:
    """An image as a source names it."""

    key: Hashable
    """What the source's annotations call it."""
    file_name: Any
    """The name as written, not yet checked."""
    width: Any = None
    """Pixels as written; None where the format states no sizes."""
    height: Any = None
    video: str = ""
    frame: int = -1
    group: str = ""
    """Scene or recording that the source says it is of."""


@dataclass(frozen=True)
class Picture:
    """An image that is there."""

    id: int
    """Its number in this source, from 1."""
    key: Hashable
    path: str
    width: int
    height: int
    video: str = ""
    frame: int = -1
    group: str = ""


def find_pictures(
    named: Sequence[Named | BadRecord], folder: Path | PictureSearch, limits: Limits, bad: list[BadRecord]
) -> dict[Hashable, Picture]:
    """The usable images by key; the others go to `bad`. A `BadRecord` among `named` goes there as it is.

    In a folder names are what they say; a search finds pictures whose names were changed, too.
    """
    if isinstance(folder, Path) and not folder.is_dir():
        raise InputError(f"{folder} is not a folder", expected="the folder of the images")
    inside = _ImageFolder(folder) if isinstance(folder, Path) else folder
    seen: dict[Hashable, int] = {}
    for image in named:
        if isinstance(image, Named):
            seen[image.key] = seen.get(image.key, 0) + 1
    candidates: list[tuple[int, Named, str]] = []
    for number, image in enumerate(named, 1):
        if isinstance(image, BadRecord):
            bad.append(image)
            continue
        try:
            need(seen[image.key] == 1, SEEN_TWICE)  # which of the two the annotations mean cannot be known
            candidates.append((number, image, inside.path(image.file_name)))
        except Reject as reason:
            bad.append(_bad(image, str(reason)))
    headers = picture_headers([path for _, _, path in candidates], limits)
    return _of_stated_size(candidates, headers, bad)


def _of_stated_size(
    candidates: Sequence[tuple[int, Named, str]],
    headers: Sequence[PictureHeader | str],
    bad: list[BadRecord],
) -> dict[Hashable, Picture]:
    """The pictures among `candidates` (number, image, path) that can be read and are upright of the stated size."""
    usable: list[tuple[int, Named, str, PictureHeader]] = []
    for candidate, header in zip(candidates, headers, strict=True):
        fault = header if isinstance(header, str) else _size_that_is_none(candidate[1])
        if isinstance(header, PictureHeader) and not fault:
            usable.append((*candidate, header))
        else:
            bad.append(_bad(candidate[1], str(fault)))
    stated = [None if image.width is None else (image.width, image.height) for _, image, _, _ in usable]
    faults = size_faults(stated, [header for *_, header in usable])
    bad += [_bad(image, fault) for (_, image, _, _), fault in zip(usable, faults, strict=True) if fault]
    return {
        image.key: Picture(number, image.key, path, *header.size, image.video, image.frame, image.group)
        for (number, image, path, header), fault in zip(usable, faults, strict=True)
        if not fault
    }


def image_table(pictures: Sequence[Picture]) -> Images:
    """The pictures as `Images`."""
    return Images.build(
        id=np.array([picture.id for picture in pictures], dtype=np.int64),
        path=[picture.path for picture in pictures],
        width=[picture.width for picture in pictures],
        height=[picture.height for picture in pictures],
        video=np.array([picture.video for picture in pictures], dtype=str),
        frame=[picture.frame for picture in pictures],
        group=np.array([picture.group for picture in pictures], dtype=str),
    )


def picture_headers(paths: Sequence[str], limits: Limits) -> list[PictureHeader | str]:
    """The header of each image, or why it cannot be used."""
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:  # waits for the disk
        return [
            header
            for headers in pool.map(lambda chunk: [_header(path, limits) for path in chunk], chunks)
            for header in headers
        ]


def _header(path: str, limits: Limits) -> PictureHeader | str:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116  # opening a pipe would wait forever
            return "the image cannot be read: not a file"
        with Path(path).open("rb") as opened:
            header = read_header(opened)
    except FileNotFoundError:
        return "the image does not exist"
    except OSError as error:
        return f"the image cannot be read: {error.strerror}"
    except PictureFault as fault:
        return f"the image cannot be read: {fault}"
    if header.width * header.height > limits.image_mpx * 1_000_000:
        size = f"{header.width}x{header.height}"
        return f"{size} pixels are more than {limits.image_mpx} million (ingest.limits.image_mpx)"
    return header


def inner_path(folder: Path, name: Any) -> str:
    """The path of file `name` below `folder`. Raises `Reject` for anything that leaves it, but for links of DVC."""
    return _ImageFolder(folder).path(name)


class _ImageFolder:
    """The folder that a source's file names are in, and must not leave."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._enclosure = Enclosure(folder)

    def path(self, name: Any) -> str:
        good = isinstance(name, str) and 0 < len(name) < LONGEST_NAME and "\0" not in name
        need(good, f"file_name is {shown(name)}")
        try:
            os.fsencode(name)
        except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can write
            raise Reject(f"file_name {shown(name)} is not text") from error
        windows = PureWindowsPath(name) if "\\" in name else None  # as tools write it there
        within = os.path.normpath(windows.as_posix() if windows else name)
        path = self._folder / within
        leaves = path == self._folder or Path(name).is_absolute() or bool(windows and windows.anchor)
        path = path if name.isascii() else _as_on_disk(path)
        need(not leaves and path in self._enclosure, f"file_name {shown(name)} leaves the image folder")
        return str(path)


def _as_on_disk(path: Path) -> Path:
    """The path in the Unicode form that the file has: archives made on a Mac part letters from their accents."""
    forms = (path, *(Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD")))
    return next((each for each in forms if os.path.lexists(each)), path)


def _size_that_is_none(image: Named) -> str:
    """What is wrong with the width and height as written, or "". Formats without sizes give neither."""
    stated = image.width, image.height
    good = stated == (None, None) or all(is_whole(side) and side > 0 for side in stated)
    return "" if good else "width and height are not sizes"


def _bad(image: Named, reason: str) -> BadRecord:
    return BadRecord(shown(image.file_name).strip("'"), "images", str(image.key), reason)
