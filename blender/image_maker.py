"""One image from its index: describe, build, observe, annotate, save. What a render worker does, over and over."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from dataengine.errors import EnvironmentFault
from dataengine.files import atomic_path, sha256_file, write_json

from .body import BodyModel
from .dressing import Tailor
from .ground_truth import annotate
from .image_paths import ImagePaths
from .layout import build_geometry, make_tailor
from .motion import read_motions
from .observe import Light, observe
from .pose_library import Pose, read_pose_library
from .render_params import RenderParams
from .scene import SceneSpec, draw_scene


class ImageMaker:
    """Holds the body model, so that a process loads it once."""

    def __init__(self, params: RenderParams, out: Path, cache: Path, fingerprint: str) -> None:
        self._params, self._out, self._fingerprint = params, out, fingerprint
        self._poses: tuple[Pose, ...] = read_pose_library() + read_motions(params.motions)
        self._model = BodyModel.load(cache)
        self._tailor: Tailor = make_tailor(self._model.template)

    def make(self, index: int) -> None:
        """Render image `index`; the sidecar is written last and so vouches for the image."""
        scene = draw_scene(self._params, self._poses, index)
        width, height = self._params.width_px, self._params.height_px
        geometry = build_geometry(scene, self._model, self._tailor, width, height)
        joints = np.concatenate([person.joints_m for person in geometry.people])
        seen = observe(geometry.meshes, geometry.camera, _light(scene), joints, samples=self._params.samples)
        paths = ImagePaths.of(self._out, index)
        with atomic_path(paths.image) as partial:
            if not cv2.imwrite(str(partial), seen.image_bgr):
                raise EnvironmentFault(f"cannot write {paths.image}", mend="check free space")
        record = {
            "index": index,
            "fingerprint": self._fingerprint,
            "image_sha256": sha256_file(paths.image),
            "pixels_sha256": hashlib.sha256(seen.image_bgr.tobytes()).hexdigest(),
            "hdri": scene.hdri,
            "floor": scene.floor,
            "people": annotate(geometry, seen),
        }
        write_json(paths.sidecar, record)


def _light(scene: SceneSpec) -> Light:
    return Light(scene.hdri, scene.hdri_turn_rad, scene.hdri_strength, scene.exposure_ev)
