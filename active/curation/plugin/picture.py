"""A person of a picture as a Plotly figure whose clicks are places: the panel moves the chosen joint there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dataengine.boxes import box_from_keypoints
from dataengine.draw import part_around
from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON, UNLABELLED
from dataengine.pictures.encoding import data_uri
from dataengine.pictures.reading.decoding import read_picture

from .joints import ACCEPTED, FIXED, OPEN, PersonAnswer

COLOURS = {OPEN: "#ffb300", ACCEPTED: "#4caf50", FIXED: "#29b6f6"}
CONTEXT = 0.25
"""Picture shown around the person, as a share of its box."""
LEAST_JOINTS = 6
"""With fewer placed (a face has five) nobody knows where the rest is, and the whole picture is shown."""
CELLS = 200
"""Places that can be clicked along the longer side."""
LONGEST_PX = 640
HEIGHT_PX = 400
"""Less than the panel's share of a window 700 px high: a higher figure covers what stands below it."""


def figure(path: Path, person: PersonAnswer, chosen: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces and layout in pixels of the picture: the part around the person, its joints by decision, `chosen` ringed.

    Of a person with few joints placed, such as one who is being added, the whole picture is shown.

    Raises:
        InputError: the picture is gone or damaged.
    """
    picture = read_picture(str(path))
    placed = person.visibility > UNLABELLED
    height, width = picture.shape[:2]
    box = np.array([0, 0, width, height], dtype=np.float64)
    if placed.sum() >= LEAST_JOINTS:
        points = np.where(placed[:, None], person.points_px, 0.0)
        box = box_from_keypoints(points[None], person.visibility[None])[0]
    part, corner_px = part_around(picture, box, CONTEXT)
    left, top = (float(value) for value in corner_px)
    across, down = part.shape[1], part.shape[0]
    step = max(across, down) / CELLS
    columns = (left + np.arange(step / 2, across, step) - 0.5).round(2).tolist()
    rows = (top + np.arange(step / 2, down, step) - 0.5).round(2).tolist()
    places = {
        "type": "heatmap", "name": "place", "x": columns, "y": rows, "z": [[0] * len(columns)] * len(rows),
        "opacity": 0, "showscale": False, "hoverinfo": "none",
    }  # fmt: skip
    return [*_bones(person), _joints(person, chosen), places], _layout(part, left, top)


def _bones(person: PersonAnswer) -> list[dict[str, Any]]:
    x: list[float | None] = []
    y: list[float | None] = []
    for a, b in COCO_SKELETON:
        if person.visibility[a] and person.visibility[b]:
            ends = person.points_px[[a, b]].round(2).tolist()
            x += [ends[0][0], ends[1][0], None]
            y += [ends[0][1], ends[1][1], None]
    line = {"color": "rgba(255,255,255,0.6)", "width": 1.5}
    return [{"type": "scatter", "mode": "lines", "name": "bones", "x": x, "y": y, "line": line, "hoverinfo": "skip"}]


def _joints(person: PersonAnswer, chosen: int) -> dict[str, Any]:
    rows = np.flatnonzero(person.visibility > UNLABELLED).tolist()
    points = person.points_px[rows].round(2)
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "joints",
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
        "text": [COCO_KEYPOINTS[row].replace("_", " ") if row == chosen else "" for row in rows],
        "textposition": "top center",
        "textfont": {"color": "#ffffff", "size": 13},
        "marker": {
            "size": [14 if row == chosen else 9 for row in rows],
            "color": [COLOURS[person.decision[row]] for row in rows],
            "symbol": ["circle-open" if person.visibility[row] == 1 else "circle" for row in rows],
            "line": {"width": [3 if row == chosen else 1 for row in rows], "color": "#ffffff"},
        },
        "hoverinfo": "skip",  # a click on a joint is a click on the place below it
    }


def _layout(part: Any, left: float, top: float) -> dict[str, Any]:
    down, across = part.shape[:2]
    scale = min(1.0, LONGEST_PX / max(across, down))
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else part
    source = data_uri(small, quality=85)
    x, y = left - 0.5, top - 0.5  # the corner of the first pixel, whose centre is a whole number
    image = {
        "source": source, "xref": "x", "yref": "y", "x": x, "y": y, "sizex": across, "sizey": down,
        "sizing": "stretch", "layer": "below",
    }  # fmt: skip
    axis = {"showgrid": False, "zeroline": False, "visible": False, "constrain": "domain"}
    return {
        "images": [image],
        "xaxis": {**axis, "range": [x, x + across]},
        "yaxis": {**axis, "range": [y + down, y], "scaleanchor": "x"},
        "height": HEIGHT_PX,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "hovermode": "closest",
        "dragmode": False,
    }
