"""The picture of the clusters: how large each is before and after repeating, and the person in its middle."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import read_image
from dataengine.draw import BgrImage, contact_sheet, draw_people, part_around
from dataengine.people import Images, People

COLUMNS = 6
TILE_PX = (200, 240)
_MARGIN = 0.15  # of the box's longer side, shown around the person
_BARS_HEIGHT_PX = 320
_DPI = 100


def write_clusters_picture(
    path: Path,
    counts: NDArray[np.int64],
    repeat_factor: NDArray[np.float64],
    medoid: NDArray[np.int64],
    people: People,
    images: Images,
    threshold: float,
) -> None:
    """A PNG for k clusters in the order given: bars, and below them the medoids' crops with their skeletons.

    counts, repeat_factor and medoid (row of `people`) are (k,). Raises InputError when an image cannot be read.
    """
    from matplotlib.figure import Figure

    captions = [f"{k}: {n} people, x{r:.2f}" for k, (n, r) in enumerate(zip(counts, repeat_factor, strict=True))]
    tiles = [_portrait(people.take([row]), images) for row in medoid]
    sheet = contact_sheet(tiles, columns=COLUMNS, tile=TILE_PX, captions=captions)
    height, width = sheet.shape[0] + _BARS_HEIGHT_PX, sheet.shape[1]
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    bars = figure.add_axes((0.07, (sheet.shape[0] + 50) / height, 0.91, (_BARS_HEIGHT_PX - 90) / height))
    place = np.arange(len(counts))
    bars.bar(place - 0.2, counts, 0.4, label="people", color="#0072b2")
    bars.bar(place + 0.2, counts * repeat_factor, 0.4, label="drawn per epoch", color="#e69f00")
    bars.axhline(threshold * counts.sum(), color="grey", linestyle=":", label="repeated when below")
    bars.set(xlabel="cluster", ylabel="people", xticks=place, title="Poses in the training set")
    bars.legend()
    portraits = figure.add_axes((0, 0, 1, sheet.shape[0] / height))
    portraits.imshow(sheet[..., ::-1], aspect="auto")
    portraits.axis("off")
    figure.savefig(path, metadata={"Software": None})  # else the file changes with the library's version


def _portrait(person: People, images: Images) -> BgrImage:
    """The part of the picture around one person, with the skeleton drawn."""
    image = draw_people(read_image(str(images.path[images.rows_of(person.image_id)[0]])), person)
    return part_around(image, person.bbox_xywh_px[0], _MARGIN)[0]
