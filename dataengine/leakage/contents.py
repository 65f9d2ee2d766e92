"""What pictures hold, as columns: hash of the file, thumbnail, and the place in a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.leakage.perceptual_hash import THUMBNAIL_PX
from dataengine.leakage.picture_facts import PictureFacts, inspect_pictures
from dataengine.people import Images


@dataclass(frozen=True, eq=False)
class Contents:
    """What m pictures hold."""

    sha256: NDArray[np.str_]  # (m,) of the files' bytes
    thumbnails: NDArray[np.uint8]  # (m, 32, 32) grey
    video: NDArray[np.str_]  # (m,) name of the recording, "" for none
    frame: NDArray[np.int64]  # (m,) in the recording, -1 for unknown
    video_sha256: NDArray[np.str_]  # (m,) "" where the video's file is not known

    @classmethod
    def of(cls, facts: Sequence[PictureFacts], images: Images, video_sha256: Mapping[str, str] | None = None) -> Self:
        """The contents of `images`, whose files have the given facts; `video_sha256` is by name of the video."""
        return cls.build([each.sha256 for each in facts], [each.thumbnail for each in facts], images, video_sha256)

    @classmethod
    def build(cls, sha256: Any, thumbnails: Any, images: Images, video_sha256: Mapping[str, str] | None = None) -> Self:
        """From columns in the order of `images`."""
        shape = (-1, THUMBNAIL_PX, THUMBNAIL_PX)
        known = video_sha256 or {}
        return cls(
            sha256=np.asarray(sha256, dtype="<U64").reshape(-1),
            thumbnails=np.asarray(thumbnails, dtype=np.uint8).reshape(shape),
            video=images.video,
            frame=images.frame,
            video_sha256=np.array([known.get(video, "") for video in images.video.tolist()], dtype="<U64"),
        )

    def __len__(self) -> int:
        return len(self.sha256)


def contents_of(images: Images) -> Contents:
    """Read every picture once, on all cores; one that cannot be read is an `InputError`."""
    facts = []
    for path, each in zip(images.path.tolist(), inspect_pictures(images.path.tolist()), strict=True):
        if isinstance(each, str):
            raise InputError(f"image {path}: {each}", fix="rerun the stage that wrote it, or drop its records")
        facts.append(each)
    return Contents.of(facts, images)
