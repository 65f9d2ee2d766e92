"""The user's own surroundings: HDRIs, and photographs behind the people.

They are checked before the first image is rendered, and their bytes are part of the set's fingerprint.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.pictures.reading.decoding import read_picture

from .params import RenderParams

_HDRI_SUFFIXES = (".exr", ".hdr")
_HDRI_MARKS = (b"\x76\x2f\x31\x01", b"#?")
_PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def background_files(params: RenderParams) -> tuple[Path, ...]:
    """The photographs of `render.backgrounds`, sorted by name; `InputError` if the folder has none."""
    if not params.backgrounds:
        return ()
    folder = Path(params.backgrounds)
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in _PHOTO_SUFFIXES)
    if not files:
        raise InputError(
            f"render.backgrounds: no photographs in {folder}",
            expected=", ".join(_PHOTO_SUFFIXES),
            fix="name a folder that has some",
        )
    return tuple(files)


def surrounding_files(params: RenderParams) -> tuple[Path, ...]:
    """All files of the user that images depend on; an `InputError` names one that cannot be used."""
    hdris = [Path(name) for name in params.hdris]
    for path in hdris:
        if path.suffix.lower() not in _HDRI_SUFFIXES or not path.is_file():
            raise InputError(f"render.hdris: {path}", expected="an existing .exr or .hdr file", got="no such file")
        with path.open("rb") as opened:
            if not opened.read(4).startswith(_HDRI_MARKS):
                expected, fix = "an OpenEXR or Radiance HDR file", "download it again"
                raise InputError(f"render.hdris: {path}", expected=expected, got="another kind of file", fix=fix)
    return (*hdris, *background_files(params))


def read_backdrop(files: Sequence[Path], choice: float, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """A window of one of the files as (height_px, width_px, 3) BGR; `choice` in 0..1 selects both.

    An `InputError` names a file that cannot be read.
    """
    place = choice * len(files)
    path = files[min(int(place), len(files) - 1)]
    photo = read_picture(path)
    scale = max(width_px / photo.shape[1], height_px / photo.shape[0])
    size = (max(width_px, round(photo.shape[1] * scale)), max(height_px, round(photo.shape[0] * scale)))
    photo = np.asarray(
        cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), dtype=np.uint8
    )
    left = int((place % 1) * (size[0] - width_px))
    top = int((place * 7 % 1) * (size[1] - height_px))
    return photo[top : top + height_px, left : left + width_px]
