"""The picture that shows how well the cameras' labels fit: drawn frames above, error per joint below."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.draw import contact_sheet, draw_people
from dataengine.geometry.pixel_grid import resized
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.pictures.reading.decoding import read_picture

from .label_views import ViewLabels

FRAMES_SHOWN = 2
TILE_PX = (260, 460)


def write_reprojection_picture(
    path: Path, labels: ViewLabels, images: Sequence[Images], scales: Sequence[tuple[float, float]]
) -> None:
    """Write a PNG: labels over some frames of every view, and box plots of the error of each joint."""
    frames = np.linspace(0, labels.keypoints_px.shape[1] - 1, FRAMES_SHOWN + 2).round().astype(int)[1:-1]
    tiles, captions = [], []
    for view, (table, scale) in enumerate(zip(images, scales, strict=True)):
        for frame in frames:
            tiles.append(_drawn(labels, view, frame, str(table.path[frame]), scale))
            captions.append(f"{table.video[frame]} frame {frame}")
    sheet = contact_sheet(tiles, columns=len(tiles), tile=TILE_PX, captions=captions)
    write_picture(path, np.concatenate([sheet, _error_plot(labels, sheet.shape[1])]))


def _drawn(labels: ViewLabels, view: int, frame: int, path: str, scale: tuple[float, float]) -> np.ndarray:
    keypoints, visibility = resized(labels.keypoints_px[view, [frame]], scale), labels.visibility[view, [frame]]
    person = People.build(
        image_id=0,
        bbox_xywh_px=box_from_keypoints(keypoints, visibility),
        keypoints_px=keypoints,
        visibility=visibility,
    )
    return draw_people(read_picture(path), person)


def _error_plot(labels: ViewLabels, width_px: int) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_px / 100, 3.6), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    errors = [column[np.isfinite(column)] for column in labels.error_px.reshape(-1, len(COCO_KEYPOINTS)).T]
    axes.boxplot(errors, showfliers=False)
    axes.set_xticks(range(1, len(errors) + 1), [name.replace("_", "\n") for name in COCO_KEYPOINTS], fontsize=8)
    axes.set_ylabel("reprojection error, px of the original video")
    axes.set_title("Distance of the labels from each view's own detection; boxes are quartiles")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 2::-1].copy()
