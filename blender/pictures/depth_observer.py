"""One image for `check-renders`: its labels as the stage makes them, and Blender's own answer about each joint."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.geometry.pixel_grid import pixel_of
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import JOINTS

from ..body.model import BodyModel
from ..cycles.depth import blender_pixels, render_depth
from ..cycles.observe import Hits, Observation, observe
from ..poses.library import read_pose_library
from ..poses.motion import read_motions
from ..scene.layout import Geometry, build_geometry, make_tailor
from ..scene.lens import SHARP
from ..scene.params import RenderParams
from ..scene.spec import draw_scene
from .ground_truth import joint_visibility, reach_m
from .maker import light_of
from .silhouettes import silhouette_offsets_px


class DepthObserver:
    """Renders images as the stage does, and their depth."""

    def __init__(self, params: RenderParams, cache: Path, samples: int, folder: Path) -> None:
        self._params, self._samples, self._folder = params, samples, folder
        self._poses = read_pose_library() + read_motions(params.motions)
        self._model = BodyModel.load(cache)
        self._tailor = make_tailor(self._model.template)

    def make(self, index: int) -> None:
        """Write the fields of `check_renders.CheckedLabels` for image `index` to an .npz file in `folder`."""
        fields: dict[str, Any] = self.look_up(index)
        np.savez(self._folder / f"{index}.npz", **fields)

    def look_up(self, index: int) -> dict[str, NDArray]:
        """The fields of `check_renders.CheckedLabels` for image `index`."""
        size = self._params.width_px, self._params.height_px
        scene = draw_scene(self._params, self._poses, index)
        geometry = build_geometry(scene, self._model, self._tailor, *size)
        joints = np.concatenate([person.joints_m for person in geometry.people])
        seen = observe(geometry.meshes, geometry.camera, light_of(scene), joints, samples=self._samples, lens=SHARP)
        depth = render_depth()
        pixels, from_eye = geometry.camera.project(joints)
        within = geometry.camera.in_frame(pixels, from_eye)
        labels = np.concatenate(
            [
                joint_visibility(person, row, Hits(seen.hits.mesh[own], seen.hits.rest_m[own]), within[own])
                for row, person in enumerate(geometry.people)
                for own in [slice(JOINTS * row, JOINTS * (row + 1))]
            ]
        )
        kept = in_frame(labels)
        column, line = pixel_of(pixels[kept]).T
        return {
            "joint": np.tile(np.arange(JOINTS), len(geometry.people))[kept],
            "image": np.full(kept.sum(), index),
            "visible": is_visible(labels)[kept],
            "in_front_m": from_eye[kept] - depth[line, column],
            "reach_m": np.concatenate([reach_m(person) for person in geometry.people])[kept],
            "apart_px": np.linalg.norm(pixels - blender_pixels(joints, *size), axis=1)[kept],
            "silhouette_off_px": np.zeros((0, 2)) if scene.occluder else _silhouettes(geometry, seen),
        }


def _silhouettes(geometry: Geometry, seen: Observation) -> NDArray[np.float64]:
    return silhouette_offsets_px([person.mesh for person in geometry.people], geometry.camera, seen.instance)


def in_frame(visibility: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Mask of the joints that are labelled at all."""
    return np.asarray(visibility != UNLABELLED)


def is_visible(visibility: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Mask of the joints that are labelled visible."""
    return np.asarray(visibility == VISIBLE)
