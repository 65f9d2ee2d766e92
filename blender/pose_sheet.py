"""`dataengine pose-sheet`: the whole pose library on one page, every pose rendered on the same person.

Order: `command`, `PoseMaker` (one pose, in a worker process), the page.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

from dataengine.draw import contact_sheet
from dataengine.errors import InputError
from dataengine.files import atomic_path
from dataengine.progress import track

from .batch.workforce import Outcome, Terms, Workforce
from .poses.library import FAMILIES, POSES_FILE, Pose, read_pose_library
from .prepare_body import prepare_body_cache
from .scene.spec import CameraSpec, PersonSpec, SceneSpec

_PICTURES = (".jpg", ".jpeg", ".png")
_TILE_PX, _SAMPLES, _COLUMNS = 192, 8, 10
_BODY = (("age", 0.67), ("gender", 0.3), ("height", 0.5), ("muscle", 0.6), ("proportions", 0.6), ("weight", 0.45))
_ANCESTRY = (("african", 0.2), ("asian", 0.4), ("caucasian", 0.4))
_POSE_SECONDS = 120.0  # longer, and the process that renders the pose is taken for hung
_TURN_RAD = 0.6  # half from the side: limbs that point at the camera cannot be judged


def command(
    out: Annotated[Path, typer.Option(help="The picture to write, .jpg or .png.")],
    cache: Annotated[Path, typer.Option(help="Folder of the built body model; made when it is not there.")],
    poses: Annotated[Path, typer.Option(help="A pose library.")] = POSES_FILE,
    family: Annotated[str, typer.Option(help="Only this family: " + ", ".join(FAMILIES))] = "",
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
) -> None:
    """Draw every pose of the library on the same person, with its family and name. About a second each.

    Use it after writing a line of poses.yaml: a pose that looks wrong here is wrong in every image.

    Example: dataengine pose-sheet --out reports/poses.jpg --cache data/cache/anny --family climbing
    """
    if family and family not in FAMILIES:
        raise InputError("no such family", expected=" | ".join(FAMILIES), got=family)
    if out.suffix.lower() not in _PICTURES:
        raise InputError("--out is no picture", expected=" or ".join(_PICTURES), got=str(out))
    wanted = [pose for pose in read_pose_library(poses) if family in ("", pose.family)]
    if not wanted:
        raise InputError(f"{poses} has no pose of the family", got=family)
    run(wanted, out, cache, workers)


def run(poses: list[Pose], out: Path, cache: Path, workers: int) -> None:
    """Render `poses` and write the page. A pose that cannot be rendered is an `InputError` with its name."""
    prepare_body_cache(cache)
    with tempfile.TemporaryDirectory() as folder:
        outcome = Outcome()
        crew = Workforce(PoseMaker, (poses, Path(folder), cache), Terms(workers, _POSE_SECONDS, len(poses)))
        for _ in track(crew.run(range(len(poses)), outcome), "poses", total=len(poses), unit="pose"):
            pass
        if outcome.stopped_by is not None:
            raise SystemExit(128 + outcome.stopped_by)
        if outcome.skipped:
            index, reason = min(outcome.skipped.items())
            raise InputError(f"pose {poses[index].name!r} cannot be rendered", got=reason)
        tiles = [np.asarray(cv2.imread(str(_tile(Path(folder), index))), np.uint8) for index in range(len(poses))]
    captions = [f"{pose.family}: {pose.name}" for pose in poses]
    page = contact_sheet(tiles, columns=min(_COLUMNS, len(poses)), tile=(_TILE_PX, _TILE_PX), captions=captions)
    with atomic_path(out) as partial:
        cv2.imwrite(str(partial), page)
    typer.echo(f"{len(poses)} poses on {out}", err=True)


class PoseMaker:
    """Renders poses by number; holds the body model of its process."""

    def __init__(self, poses: list[Pose], folder: Path, cache: Path) -> None:
        from .body.model import BodyModel
        from .scene.layout import make_tailor

        self._poses, self._folder = poses, folder
        self._model = BodyModel.load(cache)
        self._tailor = make_tailor(self._model.template)

    def make(self, index: int) -> None:
        """Write the tile of pose `index`."""
        from .cycles.observe import Light, observe
        from .scene.layout import build_geometry

        scene = _scene(self._poses[index])
        geometry = build_geometry(scene, self._model, self._tailor, _TILE_PX, _TILE_PX)
        light = Light(scene.hdri, scene.hdri_turn_rad, scene.hdri_strength, scene.exposure_ev)
        seen = observe(geometry.meshes, geometry.camera, light, np.zeros((0, 3)), samples=_SAMPLES)
        cv2.imwrite(str(_tile(self._folder, index)), seen.image_bgr)


def _tile(folder: Path, index: int) -> Path:
    return folder / f"{index}.png"


def _scene(pose: Pose) -> SceneSpec:
    """One person of medium build in plain clothes on concrete, in even light."""
    from .clothes.appearance import Garment, Look

    top = Garment(0.6, 0.01, "plain", (0.05, 0.25, 0.5), (0.0, 0.0, 0.0), 1.0)
    bottom = Garment(0.9, 0.008, "plain", (0.06, 0.06, 0.07), (0.0, 0.0, 0.0), 1.0)
    look = Look((0.52, 0.32, 0.225), (0.05, 0.028, 0.017), "short", 0.0, top, bottom, None)
    person = PersonSpec(tuple(sorted(_BODY + _ANCESTRY)), pose, look, _TURN_RAD, 0.0, 0.0, 0.5 * pose.airborne)
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
