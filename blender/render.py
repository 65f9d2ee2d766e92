"""Stage `render`: synthetic people with exact keypoints, visibility, masks and cameras.

`command` reads the section of params.yaml; `run` finds what is missing or stale, has workers make it, and assembles
people.json. Every image is a pure function of (params, seed, index), and its sidecar carries a fingerprint of all that
decides its pixels; so a killed run goes on where it was, more images keep the old ones, and other params redo them.
"""

import contextlib
import hashlib
import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dataengine import geometry
from dataengine.coco_json import write_people
from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.params import load_section
from dataengine.people import Images, People
from dataengine.progress import track

from .batch.paths import ImagePaths
from .batch.records import assemble
from .batch.sources import STILLS, sources_sha256
from .batch.workforce import Outcome, Terms, Workforce
from .devices.resolve import resolve_device
from .poses.motion import read_motions
from .prepare_body import BODY_CACHE_VERSION, prepare_body_cache
from .scene.params import RenderParams
from .scene.surroundings import surrounding_files
from .targeted.params import LikeParams
from .workers.interpreter import about, blender_python, require_blender
from .workers.job import Job

# Changing these does not change a pixel, so it keeps the images.
_PARAMS_WITHOUT_PIXELS = (
    "images",
    "workers",
    "max_skipped_share",
    "image_timeout_s",
    "images_per_worker",
    "device_proof_s",
    "python",
)
_OWN_NAMES = re.compile(r"\d{6,}\.(png|json)|\..*\.partial\.(png|json)")  # of images, sidecars, and halves of them
MAKER = "dataengine.blender.pictures.maker:ImageMaker"
LABELS = ("people.json", "contact_sheet.jpg")  # what is made from all images
_SHEET_TILES, _SHEET_COLUMNS, _SHEET_TILE_PX = 64, 8, 256


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


def write_labels(params: RenderParams, out: Path, outcome: Outcome, count: int) -> None:
    """Write people.json and a contact sheet of those of `count` images that were made.

    Raises `InputError` when more failed than `max_skipped_share` allows.
    """
    _check_skipped(out, outcome, params, count)
    records = read_records(out, count)
    people, images = assemble(records, out, (params.width_px, params.height_px), params.seed)
    write_people(out / "people.json", people, images, info={"description": "synthetic people", "seed": params.seed})
    _write_contact_sheet(out, people, images)
    typer.echo(f"{len(images)} images with {len(people)} people in {out}", err=True)


def render_fingerprint(params: RenderParams) -> str:
    """Hex SHA-256 of all that decides pixels and labels: params, this room's sources and poses, library versions."""
    decisive = {
        "params": {name: value for name, value in asdict(params).items() if name not in _PARAMS_WITHOUT_PIXELS},
        "sources": [sources_sha256(*STILLS), sha256_file(Path(geometry.__file__))],
        "motions": [sha256_file(Path(motion)) for motion in params.motions],
        "surroundings": [sha256_file(path) for path in surrounding_files(params)],
        "body": BODY_CACHE_VERSION,
        "bpy": about(blender_python(params.python)).bpy,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def require_room(out: Path) -> None:
    """Before minutes go by: that `out` is a folder in which files can be made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out) as probe:
            probe.write(b"room for one image" * 4096)
    except OSError as error:
        mend = "make room, give permission or choose another folder"
        raise EnvironmentFault(f"cannot write into {out}", got=str(error), mend=mend) from error


def is_done(paths: ImagePaths, fingerprint: str) -> bool:
    """Whether an image is there, whole and made from the same fingerprint."""
    if not (paths.image.exists() and paths.sidecar.exists()):
        return False
    try:
        record = read_json(paths.sidecar)
        same = record["fingerprint"] == fingerprint
        return bool(same and record["image_sha256"] == sha256_file(paths.image))
    except (InputError, KeyError, TypeError):
        return False


def _require_own_folder(out: Path) -> None:
    """Images without sidecars are somebody else's, and would be lost."""
    images = out / "images"
    held = sorted(path.name for path in images.iterdir()) if images.is_dir() else []
    if held and not (out / "sidecars").is_dir():
        raise InputError(f"{images} holds other pictures", got=held[0], mend="choose another --out")


def _remove_leftovers(out: Path, count: int) -> bool:
    """Clear what a killed run left half-written, and images beyond the count; whether there were any of these."""
    expected = [ImagePaths.of(out, index) for index in range(count)]
    keep = {paths.image for paths in expected} | {paths.sidecar for paths in expected}
    beyond = False
    for folder in (out / "images", out / "sidecars"):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path not in keep and _OWN_NAMES.fullmatch(path.name) and not path.is_dir():
                path.unlink()
                beyond |= not path.name.startswith(".")
    return beyond


def read_records(out: Path, count: int) -> list[dict[str, Any]]:
    """The sidecars of those of `count` images that were made, in order."""
    sidecars = [ImagePaths.of(out, index).sidecar for index in range(count)]
    return [read_json(path) for path in sidecars if path.exists()]


def make_missing(
    params: RenderParams,
    out: Path,
    job: Job,
    fingerprint: str,
    count: int,
    derived: Sequence[str],
    *,
    search: tuple[Path, ...] = (),
) -> Outcome:
    """Have workers, each with a maker of its own from `job`, make those of `count` images under `out` that are not
    there with this fingerprint. Ends the program where a signal asked for it.

    `derived` are patterns of the files under `out` that are made from the images. They go before the first image that
    they speak of does, so that a run which is stopped never leaves old labels beside new pictures.
    """
    _require_own_folder(out)
    beyond = _remove_leftovers(out, count)
    todo = [index for index in range(count) if not is_done(ImagePaths.of(out, index), fingerprint)]
    if beyond or any(ImagePaths.of(out, index).image.exists() for index in todo):
        for path in [path for pattern in derived for path in out.glob(pattern)]:
            path.unlink()
    outcome = Outcome()
    if not todo:
        _write_skipped(out, outcome)
        return outcome
    for index in todo:  # a stale sidecar must not vouch for an image when the new one fails
        ImagePaths.of(out, index).sidecar.unlink(missing_ok=True)
    terms = Terms(params.workers, params.image_timeout_s, params.images_per_worker)
    workforce = Workforce(blender_python(params.python), job, terms, search=search)
    try:
        for _ in track(workforce.run(todo, outcome), "render", total=len(todo), unit="image"):
            pass
    finally:
        _remove_leftovers(out, count)  # of workers that were killed in the middle of a file
        _write_skipped(out, outcome)
    if outcome.stopped_by is not None:
        done = sum(ImagePaths.of(out, index).sidecar.exists() for index in range(count))
        typer.echo(f"render: stopped with {done} of {count} images; run it again to go on", err=True)
        raise SystemExit(128 + outcome.stopped_by)
    return outcome


def _write_skipped(out: Path, outcome: Outcome) -> None:
    """The skip list. A disk too full for it must not hide the fault that is on its way to the user."""
    listed = [{"index": index, "reason": reason} for index, reason in sorted(outcome.skipped.items())]
    with contextlib.suppress(EnvironmentFault):
        write_json(out / "skipped.json", listed)


def _check_skipped(out: Path, outcome: Outcome, params: RenderParams, count: int) -> None:
    if len(outcome.skipped) > params.max_skipped_share * count:
        raise InputError(
            f"{len(outcome.skipped)} of {count} images could not be rendered, listed in {out / 'skipped.json'}",
            got=f"first: {outcome.skipped[min(outcome.skipped)]}",
            mend="mend that, or raise render.max_skipped_share",
        )


def _write_contact_sheet(out: Path, people: People, images: Images) -> None:
    """The first images with their skeletons, on one page."""
    import cv2

    from dataengine.draw import contact_sheet, draw_people
    from dataengine.pictures import write_picture

    tiles = []
    for row in range(min(_SHEET_TILES, len(images))):
        picture = np.asarray(cv2.imread(str(images.path[row]), cv2.IMREAD_COLOR), dtype=np.uint8)
        tiles.append(draw_people(picture, people.take(people.image_id == images.id[row])))
    sheet = contact_sheet(tiles, columns=_SHEET_COLUMNS, tile=(_SHEET_TILE_PX, _SHEET_TILE_PX))
    write_picture(out / "contact_sheet.jpg", sheet)
