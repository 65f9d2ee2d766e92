"""The people on whom two models differ most, drawn side by side: as labelled, by the candidate, by the champion."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.draw import BgrImage, draw_people, part_around
from dataengine.evaluation.ap.oks import person_oks
from dataengine.evaluation.ap.protocol import COCO, OksProtocol
from dataengine.geometry.pixel_grid import resized
from dataengine.inference.running.predict import Prediction
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.pictures.encoding import data_uri
from dataengine.pictures.reading.decoding import read_picture

PICTURE_PX = 220
QUALITY = 72
MARGIN = 0.25  # of the box's longer side, shown around the person


@dataclass(frozen=True)
class Panel:
    """One picture as a JPEG in a data URI, and what it shows."""

    title: str
    source: str
    alt: str


@dataclass(frozen=True)
class PersonPanels:
    """One person: as labelled, then as each model sees them."""

    name: str
    gain: float | None  # OKS of the candidate over the champion; None with one model
    panels: tuple[Panel, ...]


def people_to_show(
    people: People,
    predictions: Mapping[str, Prediction],
    count: int,
    clusters: NDArray[np.int64],
    protocol: OksProtocol = COCO,
) -> NDArray[np.int64]:
    """Rows of the people, one an image, on whom two models' OKS differ most; with one model, those it is worst on.

    First one from each cluster (`clusters` (n,) gives each person's), then a second from each, and so on: neighbouring
    frames of a video are nearly one picture. Ordered by the size of the difference, whichever model wins, so that the
    choice flatters neither.
    """
    oks = [person_oks(people, prediction.keypoints_px, protocol) for prediction in predictions.values()]
    interest = np.abs(oks[0] - oks[1]) if len(oks) > 1 else 1 - oks[0]
    interest = np.where((people.visibility > UNLABELLED).any(axis=1), interest, -1.0)
    best: dict[int, int] = {}
    for row in np.argsort(-interest, kind="stable"):
        if interest[row] >= 0:
            best.setdefault(int(people.image_id[row]), int(row))
    rows = np.array(list(best.values()), dtype=np.int64)  # one an image, most telling first
    turn = np.array([np.count_nonzero(clusters[rows[:place]] == clusters[row]) for place, row in enumerate(rows)])
    return rows[np.sort(np.argsort(turn, kind="stable")[:count])]


def panels_of(
    people: People, images: Images, row: int, predictions: Mapping[str, Prediction], protocol: OksProtocol = COCO
) -> PersonPanels:
    """The person in `row` as labelled and as each model sees them, on the part of the image around the box."""
    path = str(images.path[images.rows_of([people.image_id[row]])[0]])
    person, image = people.take([row]), read_picture(path)
    pictures = [("labelled", person, "the labelled joints")]
    oks = []
    for who, prediction in predictions.items():
        joints = prediction.keypoints_px[[row]]
        oks.append(float(person_oks(person, joints, protocol)[0]))
        pictures.append(
            (f"{who} {oks[-1]:.2f}", person.replace(keypoints_px=joints), f"the {who}'s, OKS {oks[-1]:.2f}")
        )
    name = f"image {int(people.image_id[row])}"
    panels = [Panel(title, _source(image, one), f"{name}, {alt}") for title, one, alt in pictures]
    return PersonPanels(name, oks[0] - oks[1] if len(oks) > 1 else None, tuple(panels))


def _source(image: BgrImage, person: People) -> str:
    """The picture, drawn on after it is resized, so that lines stay sharp."""
    part, corner = part_around(image, person.bbox_xywh_px[0], MARGIN)
    scale = PICTURE_PX / max(part.shape[:2])
    fitted = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    moved = person.replace(keypoints_px=resized(person.keypoints_px - corner, scale).astype(np.float32))
    return data_uri(draw_people(fitted, moved), quality=QUALITY)
