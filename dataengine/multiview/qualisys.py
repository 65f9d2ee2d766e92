"""Camera calibration in Qualisys' XML (`*.qca.txt`), as OpenCV pinhole cameras.

Qualisys keeps intrinsics in 1/64 pixel, the camera's centre in millimetres and its rotation row by row with the
camera looking along -z; OpenCV looks along +z, so there is a half turn about x.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError

SUBPIXELS = 64.0
MM_PER_M = 1000.0
HALF_TURN_ABOUT_X = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """One calibrated camera."""

    name: str
    K: NDArray[np.float64]
    """(3, 3) intrinsics, pixels."""
    distortion: NDArray[np.float64]
    """(4,) OpenCV's k1, k2, p1, p2."""
    cam_from_world: NDArray[np.float64]
    """(3, 4) world (metres, z up) to camera (x right, y down, z forward)."""
    size_px: tuple[int, int] | None = None
    """Width and height of the video that was calibrated; None where the file does not say."""


def read_calibration(path: Path) -> list[CalibratedCamera]:
    """The active cameras in file order. Raises `InputError` when the file is not a Qualisys calibration."""
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314  the file is pinned by sha256
        cameras = [_camera(element) for element in root.iter("camera") if element.get("active") == "1"]
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
        raise InputError(f"{path} cannot be read", expected="a Qualisys calibration", got=repr(error)) from error
    if len(cameras) < 2:
        raise InputError(f"{path}: too few cameras", expected="at least 2 active ones", got=str(len(cameras)))
    return cameras


def _camera(element: ElementTree.Element) -> CalibratedCamera:
    transform, intrinsic = _only(element, "transform"), _only(element, "intrinsic")
    rotation = np.array([[float(transform[f"r{row}{column}"]) for column in (1, 2, 3)] for row in (1, 2, 3)])
    centre_m = np.array([float(transform[axis]) for axis in ("x", "y", "z")]) / MM_PER_M
    world_rotation = HALF_TURN_ABOUT_X @ rotation
    focal_u, focal_v, center_u, center_v = (
        float(intrinsic[key]) / SUBPIXELS for key in ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    )
    coefficients = ("radialDistortion1", "radialDistortion2", "tangentalDistortion1", "tangentalDistortion2")
    return CalibratedCamera(
        name=element.attrib["serial"],
        K=np.array([[focal_u, 0, center_u], [0, focal_v, center_v], [0, 0, 1]]),
        distortion=np.array([float(intrinsic[key]) for key in coefficients]),
        cam_from_world=np.concatenate([world_rotation, -(world_rotation @ centre_m)[:, None]], axis=1),
        size_px=_size(element),
    )


def _size(element: ElementTree.Element) -> tuple[int, int] | None:
    view = element.find("fov_video")
    return None if view is None else (int(view.attrib["right"]) + 1, int(view.attrib["bottom"]) + 1)


def _only(element: ElementTree.Element, tag: str) -> dict[str, str]:
    child = element.find(tag)
    if child is None:
        raise KeyError(tag)
    return child.attrib
