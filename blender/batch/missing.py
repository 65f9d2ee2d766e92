"""Make what is missing of a batch of pictures: `make_missing`, and what it asks of the folder first.

A picture counts as made when its sidecar carries the same fingerprint and the hash of the picture that lies there; so a
killed run goes on where it was, and other params redo what they change.
"""

import contextlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import typer

from dataengine.errors import EnvironmentFault, InputError
from dataengine.files import read_json, sha256_file, write_json
from dataengine.terminal.progress import track

from ..scene.params import RenderParams
from ..workers.interpreter import blender_python
from ..workers.job import Job
from .paths import ImagePaths
from .workforce import Outcome, Terms, Workforce

_OWN_NAMES = re.compile(r"\d{6,}\.(png|json)|\..*\.partial\.(png|json)")  # of images, sidecars, and halves of them


def make_missing(
    params: RenderParams,
    out: Path,
    job: Job,
    fingerprint: str,
    count: int,
    derived: Sequence[str],
    *,
    search: tuple[Path, ...] = (),
) -> Outcome:
    """Have workers, each with a maker of its own from `job`, make those of `count` images under `out` that are not
    there with this fingerprint. Ends the program where a signal asked for it.

    `derived` are patterns of the files under `out` that are made from the images. They go before the first image that
    they speak of does, so that a run which is stopped never leaves old labels beside new pictures.
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
    workforce = Workforce(blender_python(params.python), job, terms, search=search)
    try:
        for _ in track(workforce.run(todo, outcome), "render", total=len(todo), unit="image"):
            pass
    finally:
        _remove_leftovers(out, count)  # of workers that were killed in the middle of a file
        _write_skipped(out, outcome)
    if outcome.stopped_by is not None:
        done = sum(ImagePaths.of(out, index).sidecar.exists() for index in range(count))
        typer.echo(f"render: stopped with {done} of {count} images; run it again to go on", err=True)
        raise SystemExit(128 + outcome.stopped_by)
    return outcome


def require_room(out: Path) -> None:
    """Before minutes go by: that `out` is a folder in which files can be made."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out) as probe:
            probe.write(b"room for one image" * 4096)
    except OSError as error:
        fix = "make room, give permission or choose another folder"
        raise EnvironmentFault(f"cannot write into {out}", got=str(error), fix=fix) from error


def is_done(paths: ImagePaths, fingerprint: str) -> bool:
    """Whether an image is there, whole and made from the same fingerprint."""
    if not (paths.image.exists() and paths.sidecar.exists()):
        return False
    try:
        record = read_json(paths.sidecar)
        same = record["fingerprint"] == fingerprint
        return bool(same and record["image_sha256"] == sha256_file(paths.image))
    except (InputError, KeyError, TypeError):
        return False


def _require_own_folder(out: Path) -> None:
    """Images without sidecars are somebody else's, and would be lost."""
    images = out / "images"
    held = sorted(path.name for path in images.iterdir()) if images.is_dir() else []
    if held and not (out / "sidecars").is_dir():
        raise InputError(f"{images} holds other pictures", got=held[0], fix="choose another --out")


def _remove_leftovers(out: Path, count: int) -> bool:
    """Clear what a killed run left half-written, and images beyond the count; whether there were any of these."""
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
    """The skip list. A disk too full for it must not hide the fault that is on its way to the user."""
    listed = [{"index": index, "reason": reason} for index, reason in sorted(outcome.skipped.items())]
    with contextlib.suppress(EnvironmentFault):
        write_json(out / "skipped.json", listed)
