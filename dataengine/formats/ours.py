"""dataengine's own files, as render, ingest and label-import write them (COCO JSON with extra keys), and video frames.

Nothing is lost here in either direction: score, weight, source, track and extra columns are read as they are.
"""

import re
from pathlib import Path
from typing import Any

from dataengine.coco_json import write_people
from dataengine.errors import InputError
from dataengine.files import is_junk
from dataengine.people import SOURCES, Images, People

from .coco_like import read_coco_like
from .coco_records import STANDARD_FIELDS, FormatLayout
from .persons import Persons
from .pictures import Named, find_pictures
from .reading.content import Limits, SourceContent, is_finite, is_shallow, is_whole, need
from .reading.joints import COCO_MAP
from .writing import Written

FRAME_NAME = re.compile(r"(?P<video>.+)_(?P<frame>\d{6,9})\.(jpg|jpeg|png)", re.IGNORECASE)
_FIELDS = frozenset({"score", "weight", "source", "track_id"})


def read_ours(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read a people.json of render, or any file of `write_people`; each record checked alone."""
    layout = FormatLayout(columns=_columns, reads_all=True, frame_of=_frame, group_keys=("group",))
    return read_coco_like(annotations, folder, layout, limits)


def write_ours(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write with every field; `file_name`s are relative to the annotation file, as everywhere in this project."""
    write_people(annotations, people, images)
    return Written(len(people), len(images), {})


def read_frames(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Frames of videos, named <video>_<index>.jpg as by `sources.frames.FrameWriter`; they go to the pool, unlabelled.

    `annotations` is not read. Files with other names are ignored.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", expected="the folder of the frames")
    named = []
    for path in sorted(folder.rglob("*")):
        match, name = FRAME_NAME.fullmatch(path.name), path.relative_to(folder)
        if match and not is_junk(name):
            named.append(
                Named(name.as_posix(), str(name), video=str(name.parent / match["video"]), frame=int(match["frame"]))
            )
    bad: list[Any] = []
    pictures = find_pictures(named, folder, limits, bad)
    return Persons(COCO_MAP).content(list(pictures.values()), bad, len(named))


def _columns(record: dict[str, Any]) -> dict[str, Any]:
    source, track = record.get("source", "real"), record.get("track_id", -1)
    score, weight = record.get("score", 1.0), record.get("weight", 1.0)
    need(source in SOURCES, f"source is not {' | '.join(SOURCES)}")
    need(is_whole(track), "track_id is not a whole number")
    need(is_finite(score) and is_finite(weight) and weight >= 0, "score and weight are not finite numbers of 0 or more")
    need(all(map(is_shallow, record.values())), "an extra key is nested too deep")
    extras = {
        name: value for name, value in record.items() if name not in STANDARD_FIELDS | _FIELDS and name.isidentifier()
    }
    return extras | {"score": float(score), "weight": float(weight), "source": source, "track_id": track}


def _frame(record: dict[str, Any]) -> tuple[str, int]:
    video, frame = record.get("video"), record.get("frame", -1)
    return (video, frame) if isinstance(video, str) and is_whole(frame) else ("", -1)
