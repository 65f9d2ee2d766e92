"""Folders that a command replaces whole: nobody else's files may lie in them."""

from collections.abc import Collection, Mapping
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import read_json
from dataengine.inference.exported import SIDECAR
from dataengine.nets.learnt_pictures import LEARNT_NAME

from .measure import FILES

OURS = frozenset({SIDECAR, LEARNT_NAME, *FILES.values()})
FIX = "name another folder with {}, or clear this one"


def refuse_foreign(out: Path) -> None:
    """Raise `InputError` if `out` is a file, or a folder with anything but an earlier export in it.

    A fit's checkpoint has files of the same names; its metadata name no files.
    """
    inside = contents_of_ours(out, OURS, "an export")
    if not inside:
        return
    place = out.resolve()
    folder = next((name for name in inside if (place / name).is_dir()), None)
    if folder is not None:
        raise InputError(
            f"{out} would be replaced", expected="an export, or nothing", got=folder, fix=FIX.format("--out")
        )
    record = read_json(place / SIDECAR) if SIDECAR in inside else {}
    if not isinstance(record, Mapping) or "files" not in record:
        got, fix = "a checkpoint or a part of one", FIX.format("--out")
        raise InputError(f"{out} would be replaced", expected="an export", got=got, fix=fix)


def contents_of_ours(out: Path, ours: Collection[str], what: str, option: str = "--out") -> list[str]:
    """The names in the folder `out`, which `option` names, sorted; none where it is not there yet.

    Raises:
        InputError: it is a file, or holds a name that is none of `ours`, which make up `what`.
    """
    place = out.resolve()
    if not place.name or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} cannot be written", expected="a folder of its own", fix=f"name one with {option}")
    inside = sorted(each.name for each in place.iterdir()) if place.is_dir() else []
    foreign = next((name for name in inside if name not in ours), None)
    if foreign is not None:
        raise InputError(
            f"{out} would be replaced", expected=f"{what}, or nothing", got=foreign, fix=FIX.format(option)
        )
    return inside
