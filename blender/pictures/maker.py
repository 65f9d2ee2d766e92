"""One image from its index: describe, build, observe, annotate, save. What a render worker does again and again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.files import sha256_file, write_json
from dataengine.pictures.encoding import write_picture

from ..batch.paths import ImagePaths
from ..body.model import BodyModel
from ..clothes.dressing import Tailor
from ..cycles.observe import Light, Observation, observe
from ..poses.library import Pose, read_pose_library
from ..poses.motion import read_motions
from ..scene.layout import Geometry, build_geometry, make_tailor
from ..scene.params import DeviceWish, RenderParams
from ..scene.pose_odds import PoseOdds, ViewRarity
from ..scene.spec import SceneSpec, draw_scene
from ..scene.surroundings import background_files, read_backdrop
from .ground_truth import annotate


class ImageMaker:
    """Makes the stage's images; holds the body model, so that a process loads it once.

    With `rarity`, that of the poses from poses.yaml and the recordings in this order, rare ones are drawn more.
    """

    def __init__(
        self, params: RenderParams, out: Path, cache: Path, fingerprint: str, rarity: ViewRarity | None = None
    ) -> None:
        self._params, self._out, self._fingerprint = params, out, fingerprint
        self._poses: tuple[Pose, ...] = read_pose_library() + read_motions(params.motions)
        self._odds = None if rarity is None else PoseOdds(params, self._poses, rarity)
        self._model = BodyModel.load(cache)
        self._tailor: Tailor = make_tailor(self._model.template)
        self._backgrounds = background_files(params)

    def make(self, index: int) -> None:
        """Render image `index`; the sidecar is written last and so vouches for the image."""
        self.observed(index)

    def observed(self, index: int) -> Observation:
        """Render image `index` as `make` does, and return what the observer saw."""
        return self.picture(draw_scene(self._params, self._poses, index, self._odds), {})

    def picture(self, scene: SceneSpec, about: dict[str, Any]) -> Observation:
        """Render any `scene`; `about` goes into the sidecar of image ``scene.index``."""
        params = self._params
        geometry = build_geometry(scene, self._model, self._tailor, params.width_px, params.height_px)
        about = {
            "index": scene.index,
            "fingerprint": self._fingerprint,
            "hdri": scene.hdri,
            "floor": scene.floor,
            **about,
        }
        paths = ImagePaths.of(self._out, scene.index)
        backdrop = backdrop_of(scene, self._backgrounds, params)
        light = light_of(scene)
        return photograph(geometry, light, params.samples, paths, about, device=params.device, backdrop_bgr=backdrop)


def photograph(
    geometry: Geometry,
    light: Light,
    samples: int,
    paths: ImagePaths,
    about: dict[str, Any],
    *,
    device: DeviceWish = "cpu",
    backdrop_bgr: NDArray[np.uint8] | None = None,
) -> Observation:
    """Render `geometry` and save the image with its labels; the sidecar begins with `about` and is written last."""
    joints = np.concatenate([person.joints_m for person in geometry.people])
    seen = observe(
        geometry.meshes,
        geometry.camera,
        light,
        joints,
        samples=samples,
        device=device,
        lens=geometry.lens,
        backdrop_bgr=backdrop_bgr,
    )
    write_picture(paths.image, seen.image_bgr)
    record = {
        **about,
        "image_sha256": sha256_file(paths.image),
        "pixels_sha256": hashlib.sha256(seen.image_bgr.tobytes()).hexdigest(),
        "people": annotate(geometry, seen),
    }
    write_json(paths.sidecar, record)
    return seen


def backdrop_of(scene: SceneSpec, files: Sequence[Path], params: RenderParams) -> NDArray[np.uint8] | None:
    """The photograph (height_px, width_px, 3), BGR, behind a scene's people, one of `files`; None if it has none."""
    if scene.backdrop is None:
        return None
    return read_backdrop(files, scene.backdrop, params.width_px, params.height_px)


def light_of(scene: SceneSpec) -> Light:
    """The light that a scene describes."""
    return Light(scene.hdri, scene.hdri_turn_rad, scene.hdri_strength, scene.exposure_ev, scene.lamps)
