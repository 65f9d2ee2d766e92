"""The formats that labels go out in, and what the user of a tool has to do with the file.

COCO goes out as the project's own file, whose further keys its readers ignore. Adding a tool: its format in
`dataengine/format_table.py`, its name in `FOR_TOOLS`, and a line in `how_to_load`.
"""

from __future__ import annotations

from pathlib import Path

from dataengine.errors import InputError
from dataengine.format_table import Writer, format_named
from dataengine.formats.ours import write_ours
from dataengine.formats.tools.cvat_writing import labels_path
from dataengine.formats.tools.label_studio_writing import config_path, write_predictions
from dataengine.formats.writing import Written
from dataengine.labels.kept_pictures import without_hashes

from .sent import pictures_path

FOR_TOOLS = ("coco", "cvat", "label-studio")


def writer(format_name: str) -> Writer:
    """What writes the format; an unknown one is an `InputError`."""
    if format_name not in FOR_TOOLS:
        raise InputError(f"--format {format_name} is none for a tool", expected=" | ".join(FOR_TOOLS))
    if format_name == "coco":
        return write_ours
    write = write_predictions if format_name == "label-studio" else format_named(format_name).write
    assert write is not None
    return lambda out, people, images, folder: write(out, without_hashes(people), images, folder)  # the record has them


def how_to_load(format_name: str, out: Path, written: Written) -> list[str]:
    """Lines for the user: what the format cannot hold, and how the tool takes the file."""
    lost = ", ".join(f"{name} {count}" for name, count in written.lost.items())
    lines = [f"{format_name} cannot hold: {lost} (kept in the record)"] if lost else []
    if format_name == "cvat":
        lines.append(
            f"in CVAT: new task, Raw tab of the labels: paste {labels_path(out)}; upload the images of "
            f"{pictures_path(out)}; then Actions, Upload annotations, CVAT 1.1: {out}"
        )
        lines.append("bring back: Export annotations, CVAT for images 1.1 (two decimals of a pixel are kept)")
    if format_name == "label-studio":
        lines.append(
            f"in Label Studio: a project with the labelling interface (Code) of {config_path(out)}; local storage on "
            f"{pictures_path(out)}, with LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={pictures_path(out).resolve().parent}; "
            f"then Import {out}"
        )
        lines.append("bring back: Export, JSON (its COCO export merges people and loses occlusion)")
    return lines
