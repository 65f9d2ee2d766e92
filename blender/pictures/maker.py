"""One image from its index: describe, build, observe, annotate, save. What a render worker does again and again."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.files import sha256_file, write_json
from dataengine.pictures.encoding import write_picture

from ..batch.paths import LEFT_OUT, ImagePaths
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
from .in_sight import nobody_seen

ATTEMPTS = 4  # scenes that are tried for one image
WhyNot = Callable[[NDArray[np.uint8], Sequence[dict[str, Any]]], str]
"""Image (height, width, 3), BGR, and the records of its people -> why it is not worth keeping, "" if it is."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """What the observer saw, and the records of the people in it."""

    seen: Observation
    people: list[dict[str, Any]]


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

        def scene_of(attempt: int) -> SceneSpec:
            return draw_scene(self._params, self._poses, index, self._odds, attempt=attempt)

        return self.first_kept(index, scene_of, {}, nobody_seen)

    def first_kept(
        self, index: int, scene_of: Callable[[int], SceneSpec], about: dict[str, Any], why_not: WhyNot
    ) -> Observation:
        """Render ``scene_of(0)``, ``scene_of(1)``, ... until one is worth keeping, and save it with `about`.

        After `ATTEMPTS` none is saved, and the sidecar says why the image is left out. Returns what was seen last.
        """
        paths, own = ImagePaths.of(self._out, index), {"index": index, "fingerprint": self._fingerprint}
        for attempt in range(ATTEMPTS):
            scene = scene_of(attempt)
            shot = self._shot(scene)
            why = why_not(shot.seen.image_bgr, shot.people)
            if not why:
                again = {"attempt": attempt} if attempt else {}
                save(shot, paths, {**own, "hdri": scene.hdri, "floor": scene.floor, **about, **again})
                return shot.seen
        paths.image.unlink(missing_ok=True)
        write_json(paths.sidecar, {**own, **about, LEFT_OUT: why})
        return shot.seen

    def _shot(self, scene: SceneSpec) -> Photograph:
        params = self._params
        geometry = build_geometry(scene, self._model, self._tailor, params.width_px, params.height_px)
        backdrop = backdrop_of(scene, self._backgrounds, params)
        return take(geometry, light_of(scene), params.samples, device=params.device, backdrop_bgr=backdrop)


def take(
    geometry: Geometry,
    light: Light,
    samples: int,
    *,
    device: DeviceWish = "cpu",
    backdrop_bgr: NDArray[np.uint8] | None = None,
) -> Photograph:
    """Render `geometry`, and label who is in the image."""
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
    return Photograph(seen, annotate(geometry, seen))


def save(shot: Photograph, paths: ImagePaths, about: dict[str, Any]) -> None:
    """Write the image with its labels; the sidecar begins with `about` and is written last."""
    write_picture(paths.image, shot.seen.image_bgr)
    record = {
        **about,
        "image_sha256": sha256_file(paths.image),
        "pixels_sha256": hashlib.sha256(shot.seen.image_bgr.tobytes()).hexdigest(),
        "people": shot.people,
    }
    write_json(paths.sidecar, record)


def backdrop_of(scene: SceneSpec, files: Sequence[Path], params: RenderParams) -> NDArray[np.uint8] | None:
    """The photograph (height_px, width_px, 3), BGR, behind a scene's people, one of `files`; None if it has none."""
    if scene.backdrop is None:
        return None
    return read_backdrop(files, scene.backdrop, params.width_px, params.height_px)


def light_of(scene: SceneSpec) -> Light:
    """The light that a scene describes."""
    return Light(scene.hdri, scene.hdri_turn_rad, scene.hdri_strength, scene.exposure_ev, scene.lamps)
