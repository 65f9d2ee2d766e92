"""Folders that a command replaces whole: nobody else's files may lie in them."""

from collections.abc import Mapping
from pathlib import Path

from dataengine.files import read_json
from dataengine.inference.exported import SIDECAR
from dataengine.nets.learnt_pictures import LEARNT_NAME
from dataengine.terminal.folders import contents_of_ours, would_be_replaced

from .measure import FILES

OURS = frozenset({SIDECAR, LEARNT_NAME, *FILES.values()})


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
        raise would_be_replaced(out, "an export, or nothing", folder)
    record = read_json(place / SIDECAR) if SIDECAR in inside else {}
    if not isinstance(record, Mapping) or "files" not in record:
        raise would_be_replaced(out, "an export", "a checkpoint or a part of one")
