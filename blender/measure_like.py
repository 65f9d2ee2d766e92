"""Command `measure-like`: how well and how fast the body fits real poses, with pictures of both."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.files import write_json
from dataengine.people import Images, People
from dataengine.terminal.folders import folder_option, kept_folder_option, out_folder_option
from dataengine.terminal.options import seed_option
from dataengine.terminal.speech import answer

from .body.cache import prepare_body_cache
from .targeted.entry import pose_from_entry
from .targeted.fits import fit_people, kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAIRS, _COLUMNS, _TILE = 24, 4, (360, 180)


def command(
    people: Annotated[Path, typer.Option(help="COCO keypoints file of real people.")],
    report: Annotated[Path, out_folder_option(help="Folder for measure.json, fits.json, pairs.jpg and skeletons.jpg.")],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    photographs: Annotated[
        Path | None, folder_option(help="Folder that the file's image names are below, if that is not its own.")
    ] = None,
    count: Annotated[int, typer.Option(help="Number of people to fit, drawn at random.")] = 200,
    seed: Annotated[int, seed_option(help="Seed of the draw.")] = 0,
    max_error: Annotated[
        float, typer.Option(help="Reject fits with a larger mean error (share of the box's longer side).")
    ] = 0.05,
) -> None:
    """Fit the body to real poses, as `render --like` does, and report how well and how fast it fits.

    Needs no Blender; renders nothing and reads no params. Prints the figures as JSON. pairs.jpg shows the photographs,
    which you may not be allowed to publish; skeletons.jpg shows none.

    Example: dataengine measure-like --people data/ingest/test.json --report reports/like --cache data/cache/anny
    """
    all_people, images = read_people(people)
    if not 1 <= count <= len(all_people):
        raise InputError("--count", expected=f"1 to {len(all_people)}, the people of {people}", got=str(count))
    rows = np.sort(np.random.default_rng(seed).choice(len(all_people), count, replace=False))
    drawn_people = all_people.take(rows)
    prepare_body_cache(cache)
    started = time.perf_counter()
    entries = fit_people(drawn_people, images, cache, max_error)
    seconds = time.perf_counter() - started
    figures = measure(entries, seconds, max_error)
    write_json(report / "measure.json", {"people": people.name, "count": count, "seed": seed, **figures})
    write_json(report / "fits.json", entries)
    if photographs is not None:
        names = [os.path.relpath(path, people.parent) for path in images.path.tolist()]
        images = images.replace(path=[str(photographs / name) for name in names])
    _write_pictures(report, drawn_people, images, entries, cache)
    answer(json.dumps(figures, indent=1))


def measure(entries: list[dict[str, Any]], seconds: float, max_error_share: float) -> dict[str, float]:
    """Figures on the fits of n people that took `seconds` in all, including the loading of the body.

    The interval of `share_within` is Wilson's, at 95 %. Shares count all people; errors count those with enough
    labelled joints.
    """
    from scipy.stats import binomtest

    fitted = [entry for entry in entries if "error_share" in entry]
    errors = np.array([entry["error_share"] for entry in fitted])
    n = len(entries)
    within = int((errors < max_error_share).sum())
    interval = binomtest(within, n).proportion_ci(method="wilson")
    return {
        "share_within": round(within / n, 4),
        "share_within_low": round(float(interval.low), 4),
        "share_within_high": round(float(interval.high), 4),
        "share_kept": round(len(kept(entries)) / n, 4),
        "share_too_few_joints": round(1 - len(fitted) / n, 4),
        "share_colliding": round(sum(entry["collides"] for entry in fitted) / n, 4),
        "share_beyond_limits": round(sum("joint limits" in entry["why"] for entry in fitted) / n, 4),
        "error_median": round(float(np.median(errors)), 5) if len(errors) else 1.0,
        "error_p90": round(float(np.quantile(errors, 0.9)), 5) if len(errors) else 1.0,
        "seconds_per_pose": round(seconds / n, 3),
    }


def _write_pictures(report: Path, people: People, images: Images, entries: list[dict[str, Any]], cache: Path) -> None:
    """Draw the first fitted people next to their fits: pairs.jpg on the photographs, skeletons.jpg on white."""

    from dataengine.draw import contact_sheet
    from dataengine.pictures.encoding import write_picture
    from dataengine.pictures.reading.decoding import read_picture

    from .body.model import BodyModel
    from .poses.posing import solve_orientations
    from .targeted.picture import pair
    from .targeted.rig import phenotype_of

    model = BodyModel.load(cache)
    on_photographs, on_white, captions = [], [], []
    shown_entries = [entry for entry in entries if "error_share" in entry][:_PAIRS]
    for entry in shown_entries:
        person = people.take([entry["person"]])
        image = int(images.rows_of(person.image_id)[0])
        phenotype = phenotype_of(entry["phenotype"])
        orientations = solve_orientations(pose_from_entry(entry), model.shape(phenotype).skeleton)
        body = model.posed(phenotype, orientations)[0], model.template.quads
        blank: NDArray[np.uint8] = np.full((int(images.height[image]), int(images.width[image]), 3), 255, np.uint8)
        on_white.append(pair(blank, person, entry, *body))
        path = Path(str(images.path[image]))
        on_photographs.append(pair(read_picture(path) if path.exists() else blank, person, entry, *body))
        captions.append(f"{entry['error_share']:.3f}" + ("" if entry["kept"] else " rejected"))
    for name, tiles in (("pairs.jpg", on_photographs), ("skeletons.jpg", on_white)):
        sheet = contact_sheet(tiles, columns=_COLUMNS, tile=_TILE, captions=captions)
        write_picture(report / name, sheet, quality=85)
