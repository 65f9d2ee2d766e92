"""`dataengine render --like`: given people, fitted once and rendered in variations. Reached through render.py.

First the fits (like_fits.py), kept beside the images in fits.json; then the images, each a pure function of (params,
fits, seed, index), made by the workers of any render.
"""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer

from dataengine.files import sha256_file

from .compute_device import resolve_device
from .like_fits import fits_of, kept
from .like_params import LikeParams
from .prepare_body import prepare_body_cache
from .render import LABELS, make_missing, render_fingerprint, require_room, write_labels
from .render_params import RenderParams
from .workers.interpreter import require_blender
from .workers.job import Job

MAKER = "dataengine.blender.like_maker:LikeMaker"


def run(params: RenderParams, like: LikeParams, people_file: Path, out: Path, cache: Path) -> None:
    """Bring `out` to `like.variations` images of everybody in `people_file` who can be fitted.

    Raises as `render.run` does, and `InputError` where `people_file` is malformed or nobody in it can be fitted.
    """
    python = require_blender(params.python)
    require_room(out)
    prepare_body_cache(cache)
    params = replace(params, device=resolve_device(params.device, python))
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
    makers = [sha256_file(Path(__file__).with_name(name)) for name in ("like_maker.py", "like_entry.py")]
    text = json.dumps([render_fingerprint(params), asdict(like), entries, makers], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
