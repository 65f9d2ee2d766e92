"""`dataengine render --like`: given people, fitted once and rendered in variations. Reached through render.py.

First the fits (`fits.py`), kept next to the images in fits.json; then the images, each a pure function of (params,
fits, seed, index), made by the workers of any render.
"""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer

from ..batch.fingerprint import render_fingerprint
from ..batch.labels import LABELS, write_labels
from ..batch.missing import make_missing, require_room
from ..batch.sources import TARGETED, sources_sha256
from ..body.cache import prepare_body_cache
from ..devices.resolve import resolve_device
from ..scene.params import RenderParams
from ..workers.interpreter import require_blender
from ..workers.job import Job
from .fits import fits_of, kept
from .params import LikeParams

MAKER = "dataengine.blender.targeted.maker:LikeMaker"


def run(params: RenderParams, like: LikeParams, people_file: Path, out: Path, cache: Path) -> None:
    """Bring `out` to `like.variations` images of everybody in `people_file` who can be fitted.

    Raises as `render.run` does, and `InputError` where `people_file` is malformed or nobody in it can be fitted.
    """
    python = require_blender(params.python)
    require_room(out)
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params, python))
    entries = fits_of(people_file, cache, out / "fits.json", like.max_error_share)
    chosen = kept(entries)
    typer.echo(f"{len(chosen)} of {len(entries)} people fitted, see {out / 'fits.json'}", err=True)
    fingerprint = _fingerprint(params, like, chosen)
    count = len(chosen) * like.variations
    given = {"params": params, "like": like, "entries": chosen}
    job = Job(MAKER, {**given, "out": out, "cache": cache, "fingerprint": fingerprint})
    outcome = make_missing(params, out, job, fingerprint, count, LABELS)
    write_labels(params, out, outcome, count)


def _fingerprint(params: RenderParams, like: LikeParams, entries: list[dict[str, Any]]) -> str:
    """Hex SHA-256 of all that decides a picture."""
    sources = sources_sha256(*TARGETED)
    text = json.dumps([render_fingerprint(params), asdict(like), entries, sources], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
