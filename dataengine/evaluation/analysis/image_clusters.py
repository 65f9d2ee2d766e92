"""Which images are no independent evidence of each other: the clusters that the bootstrap resamples whole."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.people import Images

ClusterKind = Literal["image", "frames", "video", "moments"]


def clusters_of(images: Images, kind: ClusterKind, block_frames: int = 1) -> NDArray[np.int64]:
    """Cluster index (m,) of each image.

    image: itself. video: its video. frames: its block of `block_frames` frames of its video. moments: the block of
    `block_frames` frames with the same numbers in all videos together, for synchronised cameras, which film the same
    moment and are no independent evidence of it. (Videos that were not filmed together then share clusters too: fewer
    and larger ones, so the interval errs towards too wide.) An image that is of no video is a cluster of its own.
    """
    if block_frames < 1:
        raise ParamsError("a block of frames is empty", expected="1 or more", got=str(block_frames))
    single = (images.video == "") | (kind == "image")
    by_block = kind in ("frames", "moments")
    block = images.frame // block_frames if by_block else np.zeros(len(images), dtype=np.int64)
    video = np.full(len(images), "*") if kind == "moments" else images.video
    keys = [
        ("", int(image_id)) if alone else (str(name), int(part))
        for alone, image_id, name, part in zip(single, images.id, video, block, strict=True)
    ]
    index: dict[tuple[str, int], int] = {}
    return np.array([index.setdefault(key, len(index)) for key in keys], dtype=np.int64)
