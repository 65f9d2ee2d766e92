"""PoseTrack18, in and out: COCO JSON with tracks, one file per video or several merged into one.

A flag is 1 where a joint was annotated and 0 where not; the guideline was to leave out what cannot be seen, so 1 is
read as visible. Dropped on the way in: head_bottom, head_top, bbox_head. `vid_id` becomes the image's video, the number
in its file name the frame, `track_id` stays. Lost on the way out: eyes, and which joints were occluded.
"""

from pathlib import Path
from typing import Any

from dataengine.errors import InputError
from dataengine.files import is_junk, read_json, write_json
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import Images, People

from .coco_like import coco_like_document, coco_triples, read_coco_like, read_document
from .coco_records import FormatLayout
from .reading.content import Limits, SourceContent, is_whole
from .reading.joints import POSETRACK
from .writing import Written, lost_fields, lost_occlusion, relative_names


def read_posetrack18(annotations: Path, folder: Path, limits: Limits) -> SourceContent:
    """Read one JSON file, or every *.json in a folder, whose `file_name`s are relative to `folder`."""
    layout = FormatLayout(
        joints=POSETRACK,
        flags={0: UNLABELLED, 1: VISIBLE},
        outside_is_dropped=True,
        columns=_track,
        column_fields=frozenset({"track_id"}),
        frame_of=_frame,
    )
    if not annotations.is_dir():
        return read_coco_like(annotations, folder, layout, limits)
    merged: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
    files = sorted(path for path in annotations.glob("*.json") if not is_junk(path.relative_to(annotations)))
    for path in files:
        document = read_json(path, largest_bytes=limits.annotation_bytes)
        for name, records in merged.items():
            if not isinstance(document, dict) or not isinstance(document.get(name), list):
                raise InputError(f"{path} is not PoseTrack18", expected=f"an object with the list {name}")
            records += document[name]
    if not files:
        raise InputError(f"{annotations} holds no *.json", expected="one file per video")
    return read_document(merged, annotations, folder, layout, limits)


def write_posetrack18(annotations: Path, people: People, images: Images, folder: Path) -> Written:
    """Write one JSON file for all videos. Images keep their video and frame where the frame fits their file's name."""
    document = coco_like_document(people, images, relative_names(images, folder), POSETRACK, POSETRACK.names)
    for row, image in enumerate(document["images"]):
        image |= {"vid_id": str(images.video[row]), "frame_id": image["id"], "is_labeled": True}
    for row, record in enumerate(document["annotations"]):
        record["keypoints"][2::3] = [min(flag, 1) for flag in record["keypoints"][2::3]]
        record["track_id"] = int(people.track_id[row])
    write_json(annotations, document)
    lost = POSETRACK.lost(coco_triples(people)) | lost_occlusion(people)
    return Written(len(people), len(images), lost | lost_fields(people, kept={"area", "track_id"}))


def _track(record: dict[str, Any]) -> dict[str, Any]:
    track = record.get("track_id")
    return {"track_id": track if is_whole(track) else -1}


def _frame(record: dict[str, Any]) -> tuple[str, int]:
    video, name = record.get("vid_id"), record.get("file_name")
    stem = Path(name).stem if isinstance(name, str) else ""
    number = int(stem) if stem.isascii() and stem.isdigit() and len(stem) < 12 else -1
    return (str(video), number) if isinstance(video, str) and video else ("", -1)
