"""Renders that requests ask for: the example poses of each, in other bodies, clothes, light and places.

``OUT/<request's id>/`` holds the fits and images of one request, as `run.py` makes them, and ``OUT/people.json`` all of
them together, with the column `request`; ``OUT/requests.json`` says what was made of each and why poses were left out.
A request whose poses cannot be fitted gets no images, and the run goes on: the others are worth it. Without requests
nothing is written.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.files import write_json
from dataengine.labelled_set import joined
from dataengine.people import Images, People
from dataengine.requests.record import PoseRequest
from dataengine.terminal.speech import say

from ..batch.quality import NothingKept
from ..body.cache import prepare_body_cache
from ..devices.resolve import resolve_device
from ..scene.params import RenderParams
from ..workers.interpreter import require_blender
from .fits import fits_of, kept
from .params import LikeParams
from .run import make_images

PEOPLE, OUTCOMES, EXAMPLES, REQUEST = "people.json", "requests.json", "examples.json", "request"


def render_requested(
    params: RenderParams, requests: Sequence[PoseRequest], *, out: Path, cache: Path, cluster: str | None = None
) -> None:
    """Make `out` hold the images of `requests`, and nothing else.

    Raises as `run.run` does, but not where nobody can be fitted.
    """
    _remove_others(out, {request.id for request in requests})
    if not requests:
        return
    python = require_blender(params.python)
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params, python), known_poses="")
    outcomes = [_render_one(params, request, out / request.id, cache, cluster) for request in requests]
    parts = [
        _marked(*read_people(out / request.id / PEOPLE), request.id)
        for request, outcome in zip(requests, outcomes, strict=True)
        if outcome["renders"]
    ]
    write_json(out / OUTCOMES, {request.id: made for request, made in zip(requests, outcomes, strict=True)})
    people, images = joined(parts, first_id=0) if parts else (People.empty(), _no_images())
    write_people(out / PEOPLE, people, images, info={"description": "synthetic people that requests asked for"})


def _render_one(
    params: RenderParams, request: PoseRequest, out: Path, cache: Path, cluster: str | None
) -> dict[str, Any]:
    """The images of one request; what was made of it."""
    like = LikeParams()
    try:
        entries = fits_of(_examples(request, out), cache, out / "fits.json", like.max_error_share)
    except InputError as fault:
        say(f"render: request {request.id} gets no images: {fault}")
        return {"renders": 0, "people": len(request.people), "fitted": 0, "why": str(fault)}
    fitted = kept(entries)[: request.asked.renders]
    like = replace(like, variations=-(-request.asked.renders // len(fitted)))
    try:
        made = make_images(params, like, fitted, out=out, cache=cache, most=request.asked.renders, cluster=cluster)
    except NothingKept as fault:
        say(f"render: request {request.id} gets no images: {fault}")
        return {"renders": 0, "people": len(entries), "fitted": len(kept(entries)), "why": str(fault)}
    left_out = sorted({entry["why"] for entry in entries if not entry["kept"]})
    return {
        "renders": made.images,
        "people": len(entries),
        "fitted": len(kept(entries)),
        "why": "; ".join(left_out[:3]),
        "renders_taken_again": made.taken_again,
        "renders_left_out": made.why,
    }


def _examples(request: PoseRequest, out: Path) -> Path:
    """The example poses alone: fits are kept by this file, which does not change as the request is served."""
    path = out / EXAMPLES
    names = [str(out / Path(name).name) for name in request.images.path.tolist()]
    write_people(path, request.people, request.images.replace(path=names))
    return path


def _marked(people: People, images: Images, request: str) -> tuple[People, Images]:
    return people.with_extra(REQUEST, np.full(len(people), request)), images


def _no_images() -> Images:
    return Images.build(id=[], path=[], width=[], height=[])


def _remove_others(out: Path, ids: set[str]) -> None:
    """Remove what requests left that are no longer followed; and all of it, where none is."""
    if not out.is_dir():
        return
    if not ids:
        shutil.rmtree(out)
        return
    (out / PEOPLE).unlink(missing_ok=True)  # a stopped run leaves no old labels next to new images
    for folder in out.iterdir():
        if folder.is_dir() and folder.name not in ids:
            shutil.rmtree(folder)
