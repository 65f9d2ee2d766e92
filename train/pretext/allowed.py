"""Which frames of a film may be learnt from: those that `leakage` does not find among what is held out."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.leakage.contents import Contents
from dataengine.leakage.held_out import HeldOutSet
from dataengine.leakage.leaks import find_leaks
from dataengine.leakage.perceptual_hash import THUMBNAIL_PX


def thumbnail(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A grey picture (32, 32) by which near duplicates are found."""
    grey = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def held_out_frames(
    held_out: HeldOutSet | None,
    video: str,
    video_sha256: str,
    frames: Sequence[int],
    thumbnails: Sequence[NDArray[np.uint8]],
) -> set[int]:
    """Those of the `frames` of one film that are near a held-out frame of it, or look like a held-out picture.

    `video` is the film's name as `film_names.film_name` gives it. Without `held_out` there are none.
    """
    if held_out is None or not frames:
        return set()
    count = len(frames)
    seen = Contents(
        sha256=np.full(count, "-", dtype="<U64"),  # a frame is not a file
        thumbnails=np.stack(thumbnails),
        video=np.full(count, video),
        frame=np.array(frames, dtype=np.int64),
        video_sha256=np.full(count, video_sha256, dtype="<U64"),
    )
    return {frames[leak.row] for leak in find_leaks(held_out, seen)}
