"""One tile of the pose sheet: a pose on a person who is the same in all tiles. What a worker of `pose-sheet` does."""

from pathlib import Path

import numpy as np

from dataengine.pictures.encoding import write_picture

from ..body.model import BodyModel
from ..clothes.appearance import Garment, Look
from ..cycles.observe import Light, observe
from ..poses.library import Pose
from ..scene.layout import build_geometry, make_tailor
from ..scene.spec import CameraSpec, PersonSpec, SceneSpec

TILE_PX = 192
_SAMPLES = 8
_BODY = (("age", 0.67), ("gender", 0.3), ("height", 0.5), ("muscle", 0.6), ("proportions", 0.6), ("weight", 0.45))
_ANCESTRY = (("african", 0.2), ("asian", 0.4), ("caucasian", 0.4))
_TURN_RAD = 0.6  # partly from the side: limbs that point at the camera cannot be judged


class PoseTileMaker:
    """Renders poses by number; holds the body model of its process."""

    def __init__(self, poses: list[Pose], folder: Path, cache: Path) -> None:
        self._poses, self._folder = poses, folder
        self._model = BodyModel.load(cache)
        self._tailor = make_tailor(self._model.template)

    def make(self, index: int) -> None:
        """Write the tile of pose `index`."""
        scene = _scene(self._poses[index])
        geometry = build_geometry(scene, self._model, self._tailor, TILE_PX, TILE_PX)
        light = Light(scene.hdri, scene.hdri_turn_rad, scene.hdri_strength, scene.exposure_ev)
        seen = observe(geometry.meshes, geometry.camera, light, np.zeros((0, 3)), samples=_SAMPLES)
        write_picture(tile_path(self._folder, index), seen.image_bgr)


def tile_path(folder: Path, index: int) -> Path:
    """File of the tile of pose `index`."""
    return folder / f"{index}.png"


def _scene(pose: Pose) -> SceneSpec:
    """One person of medium build in plain clothes on concrete, in even light."""
    top = Garment(0.6, 0.01, "plain", (0.05, 0.25, 0.5), (0.0, 0.0, 0.0), 1.0)
    bottom = Garment(0.9, 0.008, "plain", (0.06, 0.06, 0.07), (0.0, 0.0, 0.0), 1.0)
    look = Look(
        skin=(0.52, 0.32, 0.225),
        hair=(0.05, 0.028, 0.017),
        hair_style="short",
        beard=0.0,
        top=top,
        bottom=bottom,
        shoes=None,
    )
    person = PersonSpec(
        phenotype=tuple(sorted(_BODY + _ANCESTRY)),
        pose=pose,
        look=look,
        turn_rad=_TURN_RAD,
        gap_m=0.0,
        bearing_rad=0.0,
        lift_m=0.5 * pose.airborne,
    )
    return SceneSpec(
        index=0,
        texture_seed=0,
        people=(person,),
        camera=CameraSpec(focal_mm=60, height_m=1.4, fill=0.85, shift=(0.0, 0.0), roll_rad=0.0, azimuth_rad=0.0),
        occluder=None,
        hdri="courtyard",
        hdri_turn_rad=0.0,
        hdri_strength=1.0,
        floor="concrete",
        floor_tile_m=3.0,
        exposure_ev=0.3,
    )
