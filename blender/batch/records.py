"""From the sidecars of rendered images to one `People` and one `Images`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.columns import object_column
from dataengine.people import Images, People
from dataengine.person_scale import MASK

from .paths import ImagePaths

_EXTRAS = ("area", "iscrowd", "segmentation", "keypoints_cam_m", "K", "cam_from_world", "pose_name", "phenotype")


def assemble(
    records: Sequence[dict[str, Any]],
    out: Path,
    size_px: tuple[int, int],
    seed: int,
    *,
    video: Sequence[str] = (),
    frame: Sequence[int] = (),
) -> tuple[People, Images]:
    """All people in the images of `records` under `out`, in order of index. `size_px` is (width, height) of an image.

    With `video` and `frame`, one of each per record, images are frames of videos, and people carry a `track_id` that is
    unique within the video.
    """
    indices = [record["index"] for record in records]
    images = Images.build(
        id=indices,
        path=[str(ImagePaths.of(out, index).image) for index in indices],
        width=[size_px[0]] * len(indices),
        height=[size_px[1]] * len(indices),
        video=list(video) or [""] * len(indices),
        frame=list(frame) or [-1] * len(indices),
    )
    rows = [(record["index"], person) for record in records for person in record["people"]]
    extras: dict[str, NDArray[Any]] = {name: object_column([person[name] for _, person in rows]) for name in _EXTRAS}
    extras["area_from"] = np.full(len(rows), MASK)
    extras["seed"] = np.full(len(rows), seed, dtype=np.int64)
    extras["image_index"] = np.array([index for index, _ in rows], dtype=np.int64)
    people = People.build(
        image_id=np.array([index for index, _ in rows], dtype=np.int64),
        bbox_xywh_px=[person["bbox_xywh_px"] for _, person in rows],
        keypoints_px=[person["keypoints_px"] for _, person in rows],
        visibility=[person["visibility"] for _, person in rows],
        source="synthetic",
        track_id=np.array([person["instance"] for _, person in rows], dtype=np.int64) if video else -1,
        extras=extras,
    )
    return people, images
