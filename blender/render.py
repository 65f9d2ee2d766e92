"""Stage `render`: synthetic people with exact keypoints, visibility, masks and cameras.

`command` reads the section of params.yaml; `run` finds what is missing or stale, has workers make it, and assembles
people.json. Every image is a pure function of (params, seed, index), and its sidecar carries a fingerprint of all that
decides its pixels; so a killed run goes on where it was, more images keep the old ones, and other params redo them.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dataengine.params import load_section

from .batch.fingerprint import render_fingerprint
from .batch.labels import LABELS, write_labels
from .batch.missing import make_missing, require_room
from .body.cache import prepare_body_cache
from .devices.resolve import resolve_device
from .poses.motion import read_motions
from .scene.params import RenderParams
from .targeted.params import LikeParams
from .workers.interpreter import require_blender
from .workers.job import Job

MAKER = "dataengine.blender.pictures.maker:ImageMaker"


def command(
    out: Annotated[Path, typer.Option(help="Folder of people.json, images/ and contact_sheet.jpg; kept between runs.")],
    cache: Annotated[Path, typer.Option(help="Folder of the built body model; made when it is not there.")],
    like: Annotated[
        Path | None, typer.Option(help="COCO keypoints file of people whose poses are fitted and rendered.")
    ] = None,
    max_error: Annotated[
        float, typer.Option(help="With --like: greatest mean reprojection error, a share of the box's longer side.")
    ] = 0.05,
    variations: Annotated[int, typer.Option(help="With --like: pictures of every fitted person.")] = 4,
    view_jitter: Annotated[float, typer.Option(help="With --like: spread of views around the given one, deg.")] = 12.0,
    params: Annotated[Path, typer.Option(help="File with the section `render`.")] = Path("params.yaml"),
) -> None:
    """Render synthetic people in everyday and extreme poses, with COCO keypoints, visibility and masks.

    Stop it when you like: the next run goes on. Poses stand in blender/poses/poses.yaml, one line each. With --like
    poses come from labelled people instead, say of a rare cluster or a gate's failures: fits.json lists what became of
    each, and images are one person's variations after the other's.

    Example: dataengine render --out data/render --cache data/cache/anny

    Example: dataengine render --out data/like --cache data/cache/anny --like rare.json --variations 8
    """
    section = load_section(params, "render", RenderParams)
    if like is None:
        run(section, out, cache)
        return
    from .targeted import run as targeted

    targeted.run(section, LikeParams(max_error, variations, view_jitter), like, out, cache)


def run(params: RenderParams, out: Path, cache: Path) -> None:
    """Bring `out` to what `params` ask for.

    Raises `EnvironmentFault` when Blender or the body model are not installed or `out` cannot be written, `InputError`
    when more images failed than `max_skipped_share` allows. SIGINT and SIGTERM stop between images and exit with 128 +
    signal number.
    """
    python = require_blender(params.python)
    require_room(out)
    read_motions(params.motions)  # a bad file is found before the first image
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params, python))  # two devices do not give the same pixels
    fingerprint = render_fingerprint(params)
    job = Job(MAKER, {"params": params, "out": out, "cache": cache, "fingerprint": fingerprint})
    outcome = make_missing(params, out, job, fingerprint, params.images, LABELS)
    write_labels(params, out, outcome, params.images)
