"""The folder of an export, which the next export replaces whole: nobody else's files may lie in it."""

from collections.abc import Mapping
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.inference.exported import SIDECAR
from dataengine.nets.learnt_pictures import LEARNT_NAME

from .measure import FILES

OURS = frozenset({SIDECAR, LEARNT_NAME, *FILES.values()})
FIX = "name another folder with --out, or clear this one"


def refuse_foreign(out: Path) -> None:
    """Raise `InputError` if `out` is a file, or a folder with anything but an earlier export in it.

    A fit's checkpoint has files of the same names; its metadata name no files.
    """
    place = out.resolve()
    if not place.name or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} cannot be written", expected="a folder of its own", fix="name one with --out")
    if not place.is_dir():
        return
    foreign = next((each for each in sorted(place.iterdir()) if each.name not in OURS or each.is_dir()), None)
    if foreign is not None:
        raise InputError(f"{out} would be replaced", expected="an export, or nothing", got=foreign.name, fix=FIX)
    inside = [each.name for each in place.iterdir()]
    if not inside:
        return
    record = read_json(place / SIDECAR) if SIDECAR in inside else {}
    if not isinstance(record, Mapping) or "files" not in record:
        raise InputError(f"{out} would be replaced", expected="an export", got="a checkpoint or a part of one", fix=FIX)
