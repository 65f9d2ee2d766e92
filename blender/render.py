"""Stage `render`: synthetic people with exact keypoints, visibility, masks and cameras.

`command` reads the section of params.yaml; `run` finds which images are missing or stale, has workers make them, and
assembles people.json. Every image is a pure function of (params, seed, index), and its sidecar carries a fingerprint of
everything that decides its pixels. So a killed run resumes where it stopped, more images keep the old ones, and changed
params make them again.

Which poses: `scene/pose_odds.py` weighs them by how rare they are among the real people of a frozen file.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dataengine.errors import InputError
from dataengine.params import load_section
from dataengine.poses.known_poses import read_frozen_poses
from dataengine.requests.pinned import NO_REQUESTS, RequestsParams, load_requests_params, rendered_requests
from dataengine.requests.record import PoseRequest
from dataengine.terminal.folders import kept_folder_option, out_folder_option
from dataengine.terminal.options import PARAMS_FILE, Cluster, ParamsFile

from .batch.fingerprint import render_fingerprint
from .batch.labels import LABELS, write_labels
from .batch.missing import make_missing, require_room
from .body.cache import prepare_body_cache
from .body.model import BodyModel
from .devices.resolve import resolve_device
from .poses.library import read_pose_library
from .poses.motion import read_motions
from .scene.params import RenderParams
from .scene.pose_views import view_rarity
from .targeted.params import LikeParams
from .workers.interpreter import require_blender
from .workers.job import Job

MAKER = "dataengine.blender.pictures.maker:ImageMaker"
REQUESTED = "requested"
"""Folder in that of the images for those that requests ask for."""


def command(
    out: Annotated[
        Path, out_folder_option(help="Folder of people.json, images/ and contact_sheet.jpg; kept between runs.")
    ],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    like: Annotated[
        Path | None, typer.Option(help="COCO keypoints file: fit the body to its people and render their poses.")
    ] = None,
    max_error: Annotated[
        float, typer.Option(help="With --like: reject fits with a larger mean error (share of the box's longer side).")
    ] = 0.05,
    variations: Annotated[int, typer.Option(help="With --like: images per person whose fit is kept.")] = 4,
    max_off: Annotated[
        float,
        typer.Option(help="With --like: make pictures again whose pose is farther off (mean, share of its extent)."),
    ] = 0.1,
    view_jitter: Annotated[float, typer.Option(help="With --like: standard deviation of the view, deg.")] = 12.0,
    cluster: Cluster = None,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Render synthetic people in everyday and extreme poses, with COCO keypoints, visibility and masks.

    Needs `.venv-blender`, which `make setup` builds, or another Python with `bpy` named in `render.python`. Writes
    people.json, images/, sidecars/ (labels and fingerprint of each image), skipped.json and contact_sheet.jpg. In
    section `render`, `images`, `samples` and the size set the cost; `known_poses`, `extreme_share`, `motions`, `camera`
    and `hdris` set what is seen; `workers` and `device` set where it runs, on a --cluster the number of cores that it
    has. The authored poses are in
    blender/poses/poses.yaml, one per line. You may stop it at any time: the next run resumes.

    `known_poses` names what real people show, as `dataengine freeze-clusters` kept it at the end of a round: poses and
    views that are rare among them are drawn more, in proportion to their rarity raised to `rarity_power`.

    Requests that `dataengine begin-round` pinned in section `requests` are followed: the poses that failures ask for
    are rendered as with --like, into OUT/requested/, whose people.json has all of them. With none pinned nothing
    changes.

    With --like, poses come from labelled people instead, say those of a rare cluster or those a gate failed on. The
    body is fitted to each person, fits.json reports every fit, and each person whose fit is kept gets `--variations`
    images: all images of the first person, then all of the second, and so on. A picture that shows too little of the
    person, or another pose, is made again in another scene, and left out after several.

    A picture in which nobody can be seen is made again likewise. quality.json has the counts.

    Example: dataengine render --out data/render --cache data/cache/anny

    Example: dataengine render --out data/like --cache data/cache/anny --like rare.json --variations 8
    """
    section = load_section(params, "render", RenderParams)
    like_params = LikeParams(max_error, variations, view_jitter, most_off_share=max_off)
    if like is None and like_params != LikeParams():
        options = "--max-error, --variations, --max-off and --view-jitter"
        raise InputError(f"{options} are about the poses of others", fix="add --like FILE, or leave them out")
    if like is None:
        run(section, out=out, cache=cache, requests=load_requests_params(params), cluster=cluster)
        return
    from .targeted import run as targeted

    targeted.run(section, like_params, people_file=like, out=out, cache=cache, cluster=cluster)


def run(
    params: RenderParams,
    *,
    out: Path,
    cache: Path,
    requests: RequestsParams = NO_REQUESTS,
    cluster: str | None = None,
) -> None:
    """Make `out` hold what `params` ask for, and what `requests` pin.

    Raises `EnvironmentFault` if Blender or the body model is not installed or `out` cannot be written, `InputError` if
    more images failed than `max_skipped_share` allows. SIGINT and SIGTERM stop it between images; it then exits with
    128 + signal number.
    """
    asked = rendered_requests(requests)  # a damaged one is found before the first image
    python = require_blender(params.python)
    require_room(out)
    poses = read_pose_library() + read_motions(params.motions)  # a bad file is found before the first image
    known = read_frozen_poses(Path(params.known_poses)) if params.known_poses and params.rarity_power else None
    prepare_body_cache(cache)
    rarity = None if known is None else view_rarity(params, poses, BodyModel.load(cache), known)
    params = replace(params, device=resolve_device(params, python))  # two devices do not give the same pixels
    fingerprint = render_fingerprint(params)
    arguments = {"params": params, "out": out, "cache": cache, "fingerprint": fingerprint, "rarity": rarity}
    job = Job(MAKER, arguments)
    outcome = make_missing(
        params, out, job, fingerprint=fingerprint, count=params.images, derived=LABELS, cluster=cluster
    )
    write_labels(params, out, outcome, params.images)
    _render_requested(params, asked, out=out / REQUESTED, cache=cache, cluster=cluster)


def _render_requested(
    params: RenderParams, asked: Sequence[PoseRequest], *, out: Path, cache: Path, cluster: str | None
) -> None:
    if asked or out.exists():
        from .targeted.requested import render_requested

        render_requested(params, asked, out=out, cache=cache, cluster=cluster)
