"""The cameras of labelled films: pixels to rays, and the people's true places before them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.columns import numbers_of
from dataengine.errors import InputError
from dataengine.geometry.pixel_grid import resized
from dataengine.keypoints import UNLABELLED
from dataengine.multiview.qualisys import CalibratedCamera
from dataengine.people import JOINTS, Images, People

from .rays import rays_of, usual_intrinsics

INTRINSICS, IN_CAMERA, IN_WORLD = "K", "keypoints_cam_m", "keypoints_world_m"  # columns of `People.extras`


def film_rays(
    points_px: NDArray[np.floating[Any]],
    people: People,
    images: Images,
    film: str,
    cameras: Sequence[CalibratedCamera] = (),
) -> NDArray[np.float64]:
    """Rays (n, 17, 2) of joints (n, 17, 2) of the people of a film, in pixels of its pictures.

    By the calibrated camera that the film is named after, else by the people's column `K`, as renders have it, else by
    a usual focal length.
    """
    at = images.rows_of(people.image_id)
    sizes = np.stack([images.width[at], images.height[at]], axis=1)
    camera = named_after(film, cameras)
    given = people.extras.get(INTRINSICS)
    rays = np.empty((len(people), JOINTS, 2))
    for row, (width, height) in enumerate(sizes.tolist()):
        points = points_px[row].astype(np.float64)
        if camera is not None:
            scale = _calibrated_size(camera) / np.array([width, height], dtype=np.float64)
            rays[row] = rays_of(resized(points, scale), camera.K, camera.distortion)
        elif given is not None and given[row] is not None:
            rays[row] = rays_of(points, numbers_of(given[row], (3, 3), INTRINSICS))
        else:
            rays[row] = rays_of(points, usual_intrinsics(width, height))
    return rays


def film_places(people: People, film: str, cameras: Sequence[CalibratedCamera] = ()) -> NDArray[np.float64] | None:
    """True joints (n, 17, 3) in the camera's frame, metres; None where the film's people have none.

    Renders have `keypoints_cam_m`; for the default cameras, `keypoints_world_m` is seen by the camera that the film is
    named after, and joints that were not found are NaN.
    """
    if IN_CAMERA in people.extras:
        return np.stack([numbers_of(each, (JOINTS, 3), IN_CAMERA) for each in people.extras[IN_CAMERA]])
    camera = named_after(film, cameras)
    if camera is None or IN_WORLD not in people.extras:
        return None
    world = np.stack([numbers_of(each, (JOINTS, 3), IN_WORLD) for each in people.extras[IN_WORLD]])
    placed = world @ camera.cam_from_world[:, :3].T + camera.cam_from_world[:, 3]
    return np.where((people.visibility > UNLABELLED)[..., None], placed, np.nan)


def named_after(film: str, cameras: Sequence[CalibratedCamera]) -> CalibratedCamera | None:
    """The camera with whose name that of the film begins."""
    return next((camera for camera in cameras if film.startswith(camera.name)), None)


def _calibrated_size(camera: CalibratedCamera) -> NDArray[np.float64]:
    if camera.size_px is None:
        raise InputError(f"the calibration of {camera.name} names no size", expected="fov_video with right and bottom")
    return np.array(camera.size_px, dtype=np.float64)
