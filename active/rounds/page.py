"""The page of a round: `write_page` puts index.html, round.json and change_request.md into a folder.

Pictures are inside the page, so that it can be sent on its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from dataengine.files import atomic_path, write_json
from dataengine.pictures.encoding import data_uri
from dataengine.pictures.reading.decoding import read_picture
from dataengine.rounds.places import ProjectPlaces
from dataengine.rounds.whole import WholeRound

from .change_request import change_request
from .facts import REQUESTED
from .template import PAGE

PAGE_FILE, JSON_FILE, CHANGE_REQUEST = "index.html", "round.json", "change_request.md"
_WIDEST_PX, _QUALITY = 1200, 80


def write_page(out: Path, ended: WholeRound, before: Mapping[str, Any] | None, places: ProjectPlaces) -> Path:
    """Write the page and its facts; `before` has the facts of the round before, for comparison."""
    from jinja2 import Environment

    text = (
        Environment(autoescape=True)
        .from_string(PAGE)
        .render(
            title=f"Round {ended.number}",
            round=asdict(ended),
            f=ended.facts,
            before=before,
            tiles=list(_tiles(ended.facts)),
            pictures={name: _inlined(path) for name, path in _pictures(places)},
        )
    )
    write_json(out / JSON_FILE, asdict(ended))
    for name, content in ((CHANGE_REQUEST, change_request(ended, str(out / PAGE_FILE))), (PAGE_FILE, text)):
        with atomic_path(out / name) as partial:
            partial.write_text(content, encoding="utf-8")
    return out / PAGE_FILE


def _tiles(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if facts.get("rendered"):
        yield str(facts["rendered"]["images"] + facts["rendered"]["requested"]), "images rendered"
    if facts.get("labelled") and facts["labelled"]["by_people"]:
        yield str(facts["labelled"]["by_people"]["images"]), "pictures labelled by people"
    test = facts["learnt"].get("test") if facts.get("learnt") else None
    if test and test["AP"]:
        yield f"{test['AP']['value']:.3f}", "AP on the test set"
    if facts.get("to_label"):
        minutes = facts["to_label"]["minutes"]
        yield str(facts["to_label"]["images"]), "images to label" + (f", {minutes:g} min" if minutes else "")
    if facts.get("next") is not None:
        yield str(len(facts["next"])), "requests to the next round"


def _pictures(places: ProjectPlaces) -> Iterator[tuple[str, Path]]:
    """Name -> picture, of those that stages left."""
    found = {
        "Renders": (places.of("render", "--out"), "contact_sheet.jpg"),
        "Student on validation people": (places.of("fit-student", "--report"), "val_predictions.jpg"),
        "To label": (places.of("select", "--out"), "picks.jpg"),
    }
    for name, (folder, file) in found.items():
        if folder is not None and (folder / file).is_file():
            yield name, folder / file
    renders = places.of("render", "--out")
    sheets = sorted((renders / REQUESTED).glob("*/contact_sheet.jpg")) if renders is not None else []
    if sheets:
        yield "Renders for requests", sheets[0]


def _inlined(path: Path) -> str:
    """The picture, no wider than a page needs, as a ``data:`` URI."""
    picture: NDArray[Any] = read_picture(str(path))
    height, width = picture.shape[:2]
    if width > _WIDEST_PX:
        size = _WIDEST_PX, round(height * _WIDEST_PX / width)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return data_uri(picture, quality=_QUALITY)
