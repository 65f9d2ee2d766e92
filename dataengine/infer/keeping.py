"""What lies in the output folder already and is not an earlier result: nothing of it may be lost."""

from collections.abc import Iterable
from pathlib import Path

from dataengine.errors import InputError

from .running import SUMMARY
from .sinks import OVERLAY, PEOPLE
from .sources import is_drawn


def check_inputs_stay(out: Path, inputs: Iterable[Path]) -> None:
    """Raises InputError where a result in `out` would take the place of one of the files and folders `inputs`."""
    place = out.resolve()
    for path in inputs:
        real = path.resolve()
        is_result = real.parent == place and (real.name in {PEOPLE, SUMMARY} or real.stem == OVERLAY)
        if is_result or real.is_relative_to(place / OVERLAY):
            raise InputError(f"{path} would be written over", fix="name another folder with --out")


def check_overlay_is_ours(out: Path) -> None:
    """Raises InputError where the overlay's folder in `out`, which is replaced, holds what was never drawn."""
    inside = (path for path in sorted((out / OVERLAY).rglob("*")) if not path.is_dir())
    foreign = next((path for path in inside if not is_drawn(path)), None)
    if foreign is not None:
        raise InputError(f"{foreign} would be lost", fix="name another folder with --out, or give --no-overlay")
