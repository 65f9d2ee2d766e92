"""The picture of the clusters: how large each is before and after repeating, and its medoid."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.draw import OKABE_ITO, BgrImage, contact_sheet, draw_people, part_around
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.pictures.reading.decoding import read_picture
from dataengine.poses.clusters import PoseClusters

COLUMNS = 6
TILE_PX = (200, 240)
_MARGIN = 0.15  # of the box's longer side, shown around the person
_SKELETON_MARGIN_PX = 24  # around a person without a photograph
_BACKGROUND = 235  # grey behind skeletons
_BARS_HEIGHT_PX = 320
_DPI = 100
_CAPTIONED_BARS = 40  # more have no room for their numbers


def write_clusters_picture(
    path: Path,
    clusters: PoseClusters,
    medoid: NDArray[np.int64],
    people: People,
    images: Images | None,
    threshold: float,
) -> None:
    """A PNG for k clusters in their order: bars, and below them the medoids, row (k,) of `people`, -1 for nobody.

    Medoids are cut out of `images` and drawn with their skeletons, or, without images, as skeletons alone.
    Raises InputError when an image cannot be read.
    """
    from matplotlib.figure import Figure

    counts, factors = clusters.counts, clusters.repeat_factor
    captions = [f"{k}: {n} people, x{r:.2f}" for k, (n, r) in enumerate(zip(counts, factors, strict=True))]
    tiles = [_portrait(people.take([row]), images) if row >= 0 else _blank() for row in medoid]
    sheet = contact_sheet(tiles, columns=COLUMNS, tile=TILE_PX, captions=captions)
    height, width = sheet.shape[0] + _BARS_HEIGHT_PX, sheet.shape[1]
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    bars = figure.add_axes((0.07, (sheet.shape[0] + 50) / height, 0.91, (_BARS_HEIGHT_PX - 90) / height))
    place = np.arange(len(counts))
    bars.bar(place - 0.2, counts, 0.4, label="people", color=OKABE_ITO["blue"])
    bars.bar(place + 0.2, counts * factors, 0.4, label="drawn per epoch", color=OKABE_ITO["orange"])
    bars.axhline(threshold * counts.sum(), color="grey", linestyle=":", label="repeated when below")
    bars.set(xlabel="cluster", ylabel="people", title="Poses in the training set")
    if len(counts) <= _CAPTIONED_BARS:
        bars.set_xticks(place)
    bars.legend()
    portraits = figure.add_axes((0, 0, 1, sheet.shape[0] / height))
    portraits.imshow(sheet[..., ::-1], aspect="auto", interpolation="nearest")
    portraits.axis("off")
    fixed = {"Software": None}  # else the file changes with the library's version
    figure.savefig(path, metadata=fixed, pil_kwargs={"optimize": True})


def _portrait(person: People, images: Images | None) -> BgrImage:
    """The part of the picture around one person, or nothing around it, with the skeleton drawn."""
    if images is not None:
        image = draw_people(read_picture(str(images.path[images.rows_of(person.image_id)[0]])), person)
        return part_around(image, person.bbox_xywh_px[0], _MARGIN)[0]
    labelled = person.visibility[0] > UNLABELLED
    points = person.keypoints_px[0].astype(np.float64)
    low, high = points[labelled].min(axis=0), points[labelled].max(axis=0)
    room = np.array(TILE_PX) - 2 * _SKELETON_MARGIN_PX
    scale = (room / np.maximum(high - low, 1e-9)).min()
    middle = np.array(TILE_PX) / 2 - (0, _SKELETON_MARGIN_PX / 4)  # a little up: the caption is below
    points_on_tile = np.where(labelled[:, None], (points - (low + high) / 2) * scale + middle, 0.0)
    return draw_people(_blank(), person.replace(keypoints_px=points_on_tile[None].astype(np.float32)))


def _blank() -> BgrImage:
    return np.full((TILE_PX[1], TILE_PX[0], 3), _BACKGROUND, dtype=np.uint8)
