"""Make the missing images of a batch: `make_missing`, and the checks of the folder that come first.

An image counts as made if its sidecar carries the current fingerprint and the hash of the image file. So a killed run
resumes where it stopped, and changed params make again what they change.
"""

import contextlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.terminal.progress import track
from dataengine.terminal.speech import say

from ..scene.params import RenderParams
from ..workers.interpreter import blender_python
from ..workers.job import Job
from .paths import LEFT_OUT, ImagePaths
from .shards import ShardWork, make_shards
from .workforce import Outcome, Terms, Workforce

# Names of images and sidecars, also half-written ones.
_OWN_NAMES = re.compile(r"\d{6,}\.(png|json)|\..*\.partial\.(png|json)")


def make_missing(
    params: RenderParams,
    out: Path,
    job: Job,
    fingerprint: str,
    count: int,
    derived: Sequence[str],
    *,
    search: tuple[Path, ...] = (),
    cluster: str | None = None,
) -> Outcome:
    """Have workers make those of `count` images under `out` that are missing or have another fingerprint.

    Each worker builds its own maker from `job`; `search` lists further folders that the maker may be imported from.
    `derived` are glob patterns of the files under `out` that are made from the images: they are deleted before any of
    those images changes, so that a stopped run never leaves old labels next to new images. Exits with 128 + signal
    number if a signal stopped the work. With `cluster` they are made on that, in shards.
    """
    _require_own_folder(out)
    beyond = _remove_leftovers(out, count)
    todo = [index for index in range(count) if not is_done(ImagePaths.of(out, index), fingerprint)]
    if beyond or any(ImagePaths.of(out, index).image.exists() for index in todo):
        for path in [path for pattern in derived for path in out.glob(pattern)]:
            path.unlink()
    outcome = Outcome()
    if not todo:
        _write_skipped(out, outcome)
        return outcome
    for index in todo:  # a stale sidecar must not vouch for an image when the new one fails
        ImagePaths.of(out, index).sidecar.unlink(missing_ok=True)
    terms = Terms(params.workers, params.image_timeout_s, params.images_per_worker)
    python = blender_python(params.python)
    try:
        if cluster is not None:
            make_shards(ShardWork(python, job, terms, search), todo, outcome, cluster=cluster)
        else:
            workforce = Workforce(python, job, terms, search=search)
            for _ in track(workforce.run(todo, outcome), "render", total=len(todo), unit="image"):
                pass
    finally:
        _remove_leftovers(out, count)  # left by workers that were killed while they wrote a file
        _write_skipped(out, outcome)
    if outcome.stopped_by is not None:
        done = sum(ImagePaths.of(out, index).sidecar.exists() for index in range(count))
        say(f"render: stopped with {done} of {count} images; run it again to resume")
        raise SystemExit(128 + outcome.stopped_by)
    return outcome


def require_room(out: Path) -> None:
    """Check that files can be written to `out` before minutes are spent; `EnvironmentFault` if not."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out) as probe:
            probe.write(b"room for one image" * 4096)
    except OSError as error:
        fix = "make room, give permission or choose another folder"
        raise EnvironmentFault(f"cannot write to {out}", got=str(error), fix=fix) from error


def is_done(paths: ImagePaths, fingerprint: str) -> bool:
    """Whether an image is there, complete, and has this fingerprint; or was left out under this fingerprint."""
    if not paths.sidecar.exists():
        return False
    try:
        record = read_json(paths.sidecar)
        same = record["fingerprint"] == fingerprint
        if LEFT_OUT in record:
            return bool(same and not paths.image.exists())
        return bool(same and paths.image.exists() and record["image_sha256"] == sha256_file(paths.image))
    except (InputError, KeyError, TypeError):
        return False


def _require_own_folder(out: Path) -> None:
    """Refuse a folder whose images have no sidecars: they are not this command's, and would be deleted."""
    images = out / "images"
    file_names = sorted(path.name for path in images.iterdir()) if images.is_dir() else []
    if file_names and not (out / "sidecars").is_dir():
        raise InputError(f"{images} holds other images", got=file_names[0], fix="choose another --out")


def _remove_leftovers(out: Path, count: int) -> bool:
    """Delete half-written files, and images beyond the count; returns whether there were images beyond it."""
    expected = [ImagePaths.of(out, index) for index in range(count)]
    keep = {paths.image for paths in expected} | {paths.sidecar for paths in expected}
    beyond = False
    for folder in (out / "images", out / "sidecars"):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path not in keep and _OWN_NAMES.fullmatch(path.name) and not path.is_dir():
                path.unlink()
                beyond |= not path.name.startswith(".")
    return beyond


def _write_skipped(out: Path, outcome: Outcome) -> None:
    """Write skipped.json. A disk too full for it must not hide the error that is about to be reported."""
    listed = [{"index": index, "reason": reason} for index, reason in sorted(outcome.skipped.items())]
    with contextlib.suppress(EnvironmentFault):
        write_json(out / "skipped.json", listed)
