"""Pictures of the base by what they show, for levers that leave pictures out instead of rendering others."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import ParamsError
from dataengine.people import Images, People

from ...poses.library import read_pose_library
from ...scene.camera import SENSOR_MM

Range = tuple[float, float]


@dataclass(frozen=True)
class ShownChoice:
    """What the pictures that are kept show; null asks for nothing."""

    poses: Literal["everyday", "extreme"] | None = None
    """Nobody in a pose marked `extreme` in poses.yaml, or nobody in another one."""
    height_m: Range | None = None
    """Height of the camera above the floor."""
    pitch_deg: Range | None = None
    """Pitch of the camera, downwards."""
    focal_mm: Range | None = None
    """On a 36 mm wide sensor."""

    def __post_init__(self) -> None:
        for name in ("height_m", "pitch_deg", "focal_mm"):
            limits = getattr(self, name)
            if limits is not None and not limits[0] <= limits[1]:
                raise ParamsError(name, expected="[lowest, highest], or null", got=repr(limits))

    def rows(self, people: People, images: Images) -> NDArray[np.bool_]:
        """Which of `images` (m,), with `people` as the stage render labels them, are kept. Those of nobody are not."""
        person_fits = np.ones(len(people), dtype=bool)
        if self.poses is not None:
            extreme = np.array([name in _extreme_poses() for name in people.extras["pose_name"]], dtype=bool)
            person_fits &= extreme == (self.poses == "extreme")
        for limits, value in (
            (self.height_m, _heights_m(people)),
            (self.pitch_deg, _pitches_deg(people)),
            (self.focal_mm, _focals_mm(people, images)),
        ):
            if limits is not None:
                person_fits &= (value >= limits[0]) & (value <= limits[1])
        row = images.rows_of(people.image_id)
        seen, unfit = (np.bincount(row[rows], minlength=len(images)) for rows in (slice(None), ~person_fits))
        return np.asarray((seen > 0) & (unfit == 0))


@cache
def _extreme_poses() -> frozenset[str]:
    return frozenset(pose.name for pose in read_pose_library() if pose.extreme)


def _views(people: People) -> NDArray[np.float64]:
    """cam_from_world (n, 4, 4) or (n, 3, 4) of each person's picture; x right, y down, z away."""
    return np.array([np.asarray(view, dtype=np.float64)[:3] for view in people.extras["cam_from_world"]]).reshape(
        -1, 3, 4
    )


def _heights_m(people: People) -> NDArray[np.float64]:
    views = _views(people)
    return np.asarray(-(views[:, :, 2] * views[:, :, 3]).sum(axis=1))


def _pitches_deg(people: People) -> NDArray[np.float64]:
    return np.asarray(-np.degrees(np.arcsin(np.clip(_views(people)[:, 2, 2], -1, 1))))


def _focals_mm(people: People, images: Images) -> NDArray[np.float64]:
    """Focal lengths (n,)."""
    focal_px = np.array([np.asarray(matrix)[0, 0] for matrix in people.extras["K"]], dtype=np.float64)
    rows = images.rows_of(people.image_id)
    return np.asarray(focal_px * SENSOR_MM / np.maximum(images.width, images.height)[rows])
