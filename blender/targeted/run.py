"""`dataengine render --like`: given people are fitted once and rendered in variations. render.py calls it.

First come the fits (`fits.py`), stored next to the images in fits.json; then the images, each a pure function of
(params, fits, seed, index), made by the same kind of workers as in any render.
"""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dataengine.terminal.speech import say

from ..batch.fingerprint import render_fingerprint
from ..batch.labels import LABELS, write_labels
from ..batch.missing import make_missing, require_room
from ..batch.quality import Keeping
from ..batch.sources import TARGETED, sources_sha256
from ..body.cache import prepare_body_cache
from ..devices.resolve import resolve_device
from ..scene.params import RenderParams
from ..workers.interpreter import require_blender
from ..workers.job import Job
from .fits import fits_of, kept
from .params import LikeParams

MAKER = "dataengine.blender.targeted.maker:LikeMaker"


def run(
    params: RenderParams,
    like: LikeParams,
    *,
    people_file: Path,
    out: Path,
    cache: Path,
    cluster: str | None = None,
) -> None:
    """Make `out` hold `like.variations` images of everybody in `people_file` who can be fitted.

    Raises as `render.run` does, and `InputError` if `people_file` is malformed or nobody in it can be fitted.
    """
    python = require_blender(params.python)
    require_room(out)
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params, python), known_poses="")  # poses are given
    entries = fits_of(people_file, cache, out / "fits.json", like.max_error_share)
    kept_entries = kept(entries)
    say(f"{len(kept_entries)} of {len(entries)} people fitted, see {out / 'fits.json'}")
    make_images(params, like, kept_entries, out=out, cache=cache, cluster=cluster)


def make_images(
    params: RenderParams,
    like: LikeParams,
    entries: list[dict[str, Any]],
    *,
    out: Path,
    cache: Path,
    most: int | None = None,
    cluster: str | None = None,
) -> Keeping:
    """Make `out` hold `like.variations` images of every entry, `most` in all, and people.json; what was left out."""
    fingerprint = _fingerprint(params, like, entries)
    count = len(entries) * like.variations
    count = count if most is None else min(count, most)
    arguments = {"params": params, "like": like, "entries": entries}
    job = Job(MAKER, {**arguments, "out": out, "cache": cache, "fingerprint": fingerprint})
    outcome = make_missing(params, out, job, fingerprint=fingerprint, count=count, derived=LABELS, cluster=cluster)
    return write_labels(params, out, outcome, count)


def _fingerprint(params: RenderParams, like: LikeParams, entries: list[dict[str, Any]]) -> str:
    """Hex SHA-256 of everything that decides an image."""
    sources = sources_sha256(*TARGETED)
    text = json.dumps([render_fingerprint(params), asdict(like), entries, sources], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
