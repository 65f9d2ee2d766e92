"""The fits to a file of people, stored in fits.json: one entry per person, which says whether the fit is kept and why.

`fits_of` reads fits.json if it was made from the same people by the same code, and makes it otherwise. Nothing is drawn
at random here, so the same people give the same fits.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.keypoints import UNLABELLED
from dataengine.people import Images, People
from dataengine.terminal.progress import track

from ..batch.sources import TARGETED, sources_sha256
from ..body.cache import BODY_CACHE_VERSION
from ..poses.library import read_pose_library

if TYPE_CHECKING:  # torch is loaded only where there is something to fit
    from .contact import PassesThrough
    from .fit import Fitted, Fitter

LEAST_JOINTS = 6  # fewer say too little about a pose
MOST_LIMIT_EXCESS = 0.05  # squared radians: 13 degrees at one joint
_BATCH = 25  # people fitted at once; larger ones are hardly faster
_SOURCES = (*TARGETED, "body", "geometry", "poses", "scene")  # what decides a fit; `scene` for its camera


def fits_of(people_file: Path, cache: Path, kept_in: Path, max_error_share: float) -> list[dict[str, Any]]:
    """The entries of all people of a COCO keypoints file, in its order; those with ``kept`` may be rendered.

    `kept_in` is the file that the entries are stored in. Raises `InputError` if the file of people is malformed or has
    no people, or if no fit is kept.
    """
    people, images = read_people(people_file)
    if not len(people):
        raise InputError(f"{people_file} has no people", expected="at least one annotation")
    fingerprint = fits_fingerprint(people_file, max_error_share)
    entries = _read(kept_in, fingerprint)
    if entries is None:
        made = fit_people(people, images, cache, max_error_share)
        write_json(kept_in, {"fingerprint": fingerprint, "people": made})
        entries = json.loads(json.dumps(made))  # lists for tuples, as when it is read again
    if not any(entry["kept"] for entry in entries):
        raise InputError(
            f"none of the {len(entries)} people of {people_file} can be fitted",
            got=f"the first: {entries[0]['why']}",
            fix=f"see {kept_in}; raise --max-error where the reprojection error is the reason",
        )
    return entries


def fits_fingerprint(people_file: Path, max_error_share: float) -> str:
    """Hex SHA-256 of everything that decides the fits: people, threshold, code and body model."""
    decisive = [sha256_file(people_file), max_error_share, BODY_CACHE_VERSION, sources_sha256(*_SOURCES)]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


def fit_people(people: People, images: Images, cache: Path, max_error_share: float) -> list[dict[str, Any]]:
    """Fit the body to `people`; returns one entry per person, in order."""
    from ..body.model import BodyModel
    from .contact import PassesThrough
    from .fit import Fitter
    from .view import Targets

    model = BodyModel.load(cache)
    fitter, passes = Fitter(model, read_pose_library()), PassesThrough(model.template, cache)
    paths = images.path[images.rows_of(people.image_id)]
    entries = [{"person": row, "image": Path(str(path)).name} for row, path in enumerate(paths)]
    labelled = (people.visibility > UNLABELLED).sum(axis=1)
    enough = np.flatnonzero(labelled >= LEAST_JOINTS)
    for row in np.flatnonzero(labelled < LEAST_JOINTS):
        entries[row] |= {"kept": False, "why": f"{labelled[row]} labelled joints, at least {LEAST_JOINTS} are needed"}
    batches = [enough[start : start + _BATCH] for start in range(0, len(enough), _BATCH)]
    for rows in track(batches, "fit", unit="batch"):
        names = [f"like {Path(str(paths[row])).stem} #{row}" for row in rows]
        for row, fitted in zip(rows, fitter.fit(Targets.of(people.take(rows), images), names), strict=True):
            entries[row] |= _judged(fitted, fitter, passes, max_error_share)
    return entries


def _judged(fitted: "Fitted", fitter: "Fitter", passes: "PassesThrough", max_error_share: float) -> dict[str, Any]:
    from .contact import MOST_OVERLAP_M2, MOST_TRIANGLES

    triangles = passes.count(fitter.vertices_m(fitted))
    reasons = []
    if fitted.error_share > max_error_share:
        reasons.append(f"reprojection error {fitted.error_share:.3f} of the box, at most {max_error_share:g}")
    if fitted.limit_excess > MOST_LIMIT_EXCESS:
        reasons.append(f"{fitted.limit_excess:.3f} squared radians beyond joint limits, at most {MOST_LIMIT_EXCESS}")
    if triangles > MOST_TRIANGLES or fitted.overlap_m2 > MOST_OVERLAP_M2:
        reasons.append(f"the body passes through itself with {triangles} triangles")
    return {
        "kept": not reasons,
        "why": "; ".join(reasons),
        "error_share": round(fitted.error_share, 6),
        "limit_excess": round(fitted.limit_excess, 6),
        "self_intersections": triangles,
        "collides": triangles > MOST_TRIANGLES or fitted.overlap_m2 > MOST_OVERLAP_M2,
        "focal_mm": round(fitted.focal_mm, 3),
        "depth_m": round(fitted.depth_m, 4),
        "root_off_middle": [round(value, 6) for value in fitted.middle],
        "middle_m": round(fitted.middle_m, 4),
        "phenotype": {name: round(value, 4) for name, value in fitted.phenotype.items()},
        "pose": asdict(fitted.pose),
        "keypoints_off_middle_px": np.round(fitted.pixels, 2).tolist(),
    }


def _read(path: Path, fingerprint: str) -> list[dict[str, Any]] | None:
    """The entries of a file with this fingerprint; None if it is absent, stale or damaged."""
    if not path.exists():
        return None
    try:
        document = read_json(path)
        entries: list[dict[str, Any]] = document["people"]
        return entries if document["fingerprint"] == fingerprint else None
    except (InputError, KeyError, TypeError):
        return None


def kept(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries that may be rendered."""
    return [entry for entry in entries if entry["kept"]]
