"""The pictures of a comparison's report: a forest plot as SVG, and people drawn as every model sees them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from dataengine.crops.pixels import read_image
from dataengine.draw import draw_people
from dataengine.evaluation.oks import person_oks
from dataengine.people import Images, People
from dataengine.predict import Prediction

# Okabe & Ito: told apart by colour-blind readers and in grey. Web colour and the same in BGR.
COLORS = {
    "labelled": ("#e69f00", (0, 159, 230)),
    "candidate": ("#0072b2", (178, 114, 0)),
    "champion": ("#cc79a7", (167, 121, 204)),
}
_PICTURE_PX = 300
_MARGIN = 0.25  # of the box, shown around the person


@dataclass(frozen=True)
class Bar:
    """One line of a forest plot."""

    label: str
    value: float
    low: float
    high: float
    color: str


@dataclass(frozen=True)
class Picture:
    """One person as JPEG in a data URI, with what to say below."""

    source: str
    caption: str


def forest_plot(bars: Sequence[Bar], marks: Mapping[str, float]) -> str:
    """SVG with a point and an interval per bar on one axis, and a dashed line per mark."""
    values = [v for bar in bars for v in (bar.low, bar.high)] + list(marks.values())
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 0.05
    low, high = (max(low - pad, 0.0) if low >= 0 else low - pad), high + pad  # no tick at an AP below 0

    def x(value: float) -> float:
        return 150 + 480 * (value - low) / (high - low)

    height = 34 * len(bars) + 52
    parts = [f'<svg viewBox="0 0 660 {height}" role="img" xmlns="http://www.w3.org/2000/svg">']
    for name, value in marks.items():
        parts.append(f'<line class="mark" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="14" y2="{height - 34}"/>')
        parts.append(f'<text x="{x(value):.1f}" y="10" text-anchor="middle">{escape(name)}</text>')
    for row, bar in enumerate(bars):
        y = 36 + 34 * row
        parts.append(f'<text x="140" y="{y + 4}" text-anchor="end">{escape(bar.label)}</text>')
        ends = f'x1="{x(bar.low):.1f}" x2="{x(bar.high):.1f}" y1="{y}" y2="{y}"'
        parts.append(f'<line {ends} stroke="{bar.color}" stroke-width="4"/>')
        parts.append(f'<circle cx="{x(bar.value):.1f}" cy="{y}" r="7" fill="{bar.color}"/>')
    for tick in np.linspace(low, high, 5):
        parts.append(f'<text x="{x(tick):.1f}" y="{height - 8}" text-anchor="middle">{tick:.3f}</text>')
    return "".join([*parts, "</svg>"])


def telling_people(people: People, predictions: Mapping[str, Prediction], count: int) -> NDArray[np.int64]:
    """Rows of the people, one an image, on whom two models' OKS differ most; with one model, its worst."""
    oks = [person_oks(people, prediction.keypoints_px) for prediction in predictions.values()]
    interest = np.abs(oks[0] - oks[1]) if len(oks) > 1 else 1 - oks[0]
    interest = np.where((people.visibility > 0).any(axis=1), interest, -1.0)
    chosen: dict[int, int] = {}
    for row in np.argsort(-interest, kind="stable"):
        if interest[row] >= 0:
            chosen.setdefault(int(people.image_id[row]), int(row))
    return np.array(list(chosen.values())[:count], dtype=np.int64)


def picture(people: People, images: Images, row: int, predictions: Mapping[str, Prediction]) -> Picture:
    """The label and every model's joints of one person, drawn on the part of the image around the box."""
    path = str(images.path[images.rows_of([people.image_id[row]])[0]])
    person = people.take([row])
    canvas, origin, scale = _cut(read_image(path), person.bbox_xywh_px[0])
    canvas = draw_people(canvas, _moved(person, person.keypoints_px, origin, scale), COLORS["labelled"][1])
    words = []
    for name, prediction in predictions.items():
        joints = prediction.keypoints_px[[row]]
        canvas = draw_people(canvas, _moved(person, joints, origin, scale), COLORS[name][1])
        words.append(f"{name} OKS {person_oks(person, joints)[0]:.2f}")
    _, jpeg = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 80])
    source = "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()
    return Picture(source, f"image {int(people.image_id[row])}: " + ", ".join(words))


def _cut(
    image_bgr: NDArray[np.uint8], box: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
    """The box with a margin, fitted to the picture's size; where it begins, and its enlargement."""
    x, y, width, height = box.astype(np.float64)
    margin = _MARGIN * max(width, height)
    corner = np.maximum([x - margin, y - margin], 0).astype(int)
    end = np.minimum([x + width + margin, y + height + margin], image_bgr.shape[1::-1]).astype(int)
    end = np.maximum(end, corner + 1)
    part = image_bgr[corner[1] : end[1], corner[0] : end[0]]
    if not part.size:  # a box beside its image shows nothing
        part = np.zeros((1, 1, 3), dtype=np.uint8)
    scale = _PICTURE_PX / max(part.shape[:2])
    fitted = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(fitted, dtype=np.uint8), corner.astype(np.float64), scale


def _moved(person: People, joints_px: NDArray[np.float32], origin: NDArray[np.float64], scale: float) -> People:
    return person.replace(keypoints_px=((joints_px - origin) * scale).astype(np.float32))
