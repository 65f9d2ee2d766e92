"""`dataengine pose-sheet`: the whole pose library on one page, every pose rendered on the same person.

Workers render the tiles (previews/pose_tile.py); this module puts the page together.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from dataengine.draw import contact_sheet
from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.pictures.encoding import write_picture
from dataengine.pictures.reading.decoding import read_picture
from dataengine.terminal.folders import kept_folder_option, out_file_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import say

from .batch.workforce import Terms, Workforce
from .body.cache import prepare_body_cache
from .poses.library import FAMILIES, POSES_FILE, Pose, read_pose_library
from .previews.pose_tile import TILE_PX, tile_path
from .scene.params import RenderParams
from .workers.interpreter import require_blender
from .workers.job import Job

TILE_MAKER = "dataengine.blender.previews.pose_tile:PoseTileMaker"
_PICTURES = (".jpg", ".jpeg", ".png")
_COLUMNS = 10
_POSE_SECONDS = 120.0  # a process that takes longer to render a pose counts as hung


def command(
    out: Annotated[Path, out_file_option(help="Image to write, .jpg or .png.")],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    poses: Annotated[
        Path, typer.Option(help="YAML file of poses, one per line.", show_default="blender/poses/poses.yaml")
    ] = POSES_FILE,
    family: Annotated[str, typer.Option(help="Draw this family only: " + ", ".join(FAMILIES) + ".")] = "",
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1)] = 2,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Draw every pose of the library on the same person, with its family and name.

    Use it after adding a line to poses.yaml: a pose that looks wrong here is wrong in every image. Needs what `render`
    needs, and takes about a second per pose. Of section `render` only `python` is used.

    Example: dataengine pose-sheet --out reports/poses.jpg --cache data/cache/anny --family climbing
    """
    if family and family not in FAMILIES:
        raise InputError("no such family", expected=" | ".join(FAMILIES), got=family)
    if out.suffix.lower() not in _PICTURES:
        raise InputError("--out is not an image file", expected=" or ".join(_PICTURES), got=str(out))
    selected_poses = [pose for pose in read_pose_library(poses) if family in ("", pose.family)]
    if not selected_poses:
        raise InputError(f"{poses} has no pose of the family", got=family)
    python = load_section(params, "render", RenderParams).python
    run(selected_poses, out=out, cache=cache, workers=workers, python=python)


def run(poses: list[Pose], *, out: Path, cache: Path, workers: int, python: str = "") -> None:
    """Render `poses` and write the page to `out`; `python` is as in `render.python`.

    Raises `EnvironmentFault` as `render.run` does, and an `InputError` that names a pose that cannot be rendered.
    """
    interpreter = require_blender(python)
    prepare_body_cache(cache)
    with tempfile.TemporaryDirectory() as folder:
        job = Job(TILE_MAKER, {"poses": poses, "folder": Path(folder), "cache": cache})
        crew = Workforce(interpreter, job, Terms(workers, _POSE_SECONDS, len(poses)))
        outcome = crew.run_all(len(poses), "poses", "pose")
        if outcome.skipped:
            index, reason = min(outcome.skipped.items())
            raise InputError(f"pose {poses[index].name!r} cannot be rendered", got=reason)
        tiles = [read_picture(tile_path(Path(folder), index)) for index in range(len(poses))]
    captions = [f"{pose.family}: {pose.name}" for pose in poses]
    page = contact_sheet(tiles, columns=min(_COLUMNS, len(poses)), tile=(TILE_PX, TILE_PX), captions=captions)
    write_picture(out, page)
    say(f"{len(poses)} poses on {out}")
