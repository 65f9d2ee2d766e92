"""Command draw-motions: people in motion as joints in space, without a picture, to fit a lifter on."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.errors import InputError, ParamsError
from dataengine.lifting.motions import SUFFIX, motions_of, write_motions
from dataengine.params import load_section
from dataengine.terminal.folders import kept_folder_option, out_file_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile, seed_option
from dataengine.terminal.progress import track
from dataengine.terminal.speech import answer

from .body.cache import prepare_body_cache
from .body.model import BodyModel
from .clips.spec import ClipParams, draw_clip
from .motions.performed import clip_names, performed
from .poses.library import read_pose_library
from .poses.motion import read_motion
from .scene.params import RenderParams

MOST_FPS = 240.0  # as clips have


def command(
    out: Annotated[Path, out_file_option(help="File to write, an .npz.")],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    people: Annotated[int, typer.Option(help="Number of people, each with a motion of its own.")] = 300,
    seconds: Annotated[float, typer.Option(help="Length of each motion.")] = 6.0,
    fps: Annotated[float, typer.Option(help="Frames per second that are kept; between them, motions are linear.")] = 20,
    bvh: Annotated[list[Path] | None, typer.Option(help="BVH recording; repeat it. None: `render.motions`.")] = None,
    bvh_share: Annotated[
        float | None, typer.Option(help="Share of people who move as recorded. None: `render.motion_share`.")
    ] = None,
    seed: Annotated[int | None, seed_option(help="Seed; None: `render.seed`.")] = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Draw people in motion, as joints in metres, without rendering a picture: a hundred a minute.

    They are the people of `render-clips`: bodies, poses and their jitter from section `render`, moving through poses of
    one family or as in a BVH recording. `fit-lifter` sees them through cameras of its own. Keep recordings out of the
    fit to measure on them. Nothing here needs Blender.

    Example: dataengine draw-motions --out data/motions/train.npz --cache data/cache/anny --people 300 --bvh walk.bvh --bvh-share 0.5
    """  # noqa: E501  an example is one line to copy
    drawn = load_section(params, "render", RenderParams)
    drawn = replace(
        drawn,
        motions=drawn.motions if bvh is None else [str(path) for path in bvh],
        motion_share=drawn.motion_share if bvh_share is None else bvh_share,
        seed=drawn.seed if seed is None else seed,
    )
    run(drawn, out=out, cache=cache, people=people, seconds=seconds, fps=fps)


def run(params: RenderParams, *, out: Path, cache: Path, people: int, seconds: float, fps: float) -> None:
    """Write `people` motions to `out`.

    Raises:
        ParamsError: an option is out of range.
        InputError: `out` is no .npz, a recording cannot be read, or `cache` is not the body model's.
    """
    if out.suffix != SUFFIX or out.is_dir():  # another suffix: params.yaml, say, which it would replace
        got = f"a folder, {out}" if out.is_dir() else str(out)
        raise InputError("--out is not a file of motions", expected=f"a name that ends in {SUFFIX}", got=got)
    if not 1 <= people <= 100_000:
        raise ParamsError("--people", expected="1 to 100000", got=str(people))
    if not 0.1 <= seconds <= 600:
        raise ParamsError("--seconds", expected="0.1 to 600", got=f"{seconds:g}")
    if not 1 <= fps <= MOST_FPS:
        raise ParamsError("--fps", expected=f"1 to {MOST_FPS:g}", got=f"{fps:g}")
    frames = round(seconds * fps) + 1
    clip = ClipParams(
        clips=people, frames=max(frames, 2), fps=fps, key_seconds=1.0, moving_camera_share=0.0, speed_m_s=0.8
    )
    recordings = [read_motion(Path(path)) for path in params.motions]
    library = read_pose_library()
    prepare_body_cache(cache)
    model = BodyModel.load(cache)
    alone = replace(params, min_people=1, max_people=1)
    time_s = np.arange(frames) / fps
    names, joints = [], []
    for number in track(range(people), "motions", unit="person"):
        for name, moved in performed(draw_clip(alone, clip, library, recordings, number), time_s, model):
            names.append(name)
            joints.append(moved)
    motions = motions_of(clip_names(names), joints, fps)
    write_motions(out, motions)
    recorded = sum(name in {Path(path).stem for path in params.motions} for name in motions.names)
    answer(f"{out}: {people} people, {recorded} of them as recorded, {len(motions.joints_m)} frames")
