"""What lies in the shadow's folder: one JSON line and one picture for each person on whom the two models differ.

``disagreements.jsonl`` holds a `Disagreement` per line, ``pictures/`` the pictures, each named by its SHA-256. A
picture is there before its line is; a line that is cut off, by a crash, is ignored.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from dataengine.errors import InputError
from dataengine.files import atomic_path
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.typed_record import RECORDS

DISAGREEMENTS, PICTURES, FIGURES = "disagreements.jsonl", "pictures", "figures.json"
FARTHEST_PX = 1e7
"""Beyond it no answer lies."""
_SHA256, _HASH = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{1,16}")


@dataclass(frozen=True)
class ShadowAnswer:
    """What one model says of a person."""

    model: str
    """Id of the model."""
    keypoints_px: tuple[tuple[float, float], ...]
    """COCO-17's x, y in pixels of the kept picture."""
    confidence: tuple[float, ...]
    """How sure it is of each joint, 0..1; 0 where the model was not taught it."""
    score: float
    """The person's, 0..1."""


@dataclass(frozen=True)
class Disagreement:
    """A person on whom champion and candidate differ."""

    picture: str
    """``pictures/<sha256>.jpg``, relative to the folder."""
    picture_sha256: str
    box_xywh_px: tuple[float, float, float, float]
    """The person's box in the kept picture, from edge to edge."""
    champion: ShadowAnswer
    candidate: ShadowAnswer
    oks: float
    """Similarity of the two answers over the joints that count."""
    joint_oks: dict[str, float]
    """The similarity of each of these joints, by name."""
    reason: str
    """In words."""
    time: str
    """When it was kept, ISO 8601 in UTC."""
    request_id: str
    perceptual_hash: str
    """64 bits of the picture before faces were blurred, in hex."""
    blurred: bool


def read_disagreements(folder: Path) -> list[Disagreement]:
    """All people that were kept, in their order.

    Raises:
        InputError: the folder is none of the shadow's, or a line is not what `dataengine serve` writes.
    """
    path = folder / DISAGREEMENTS
    try:
        content = path.read_bytes()
    except OSError as error:
        expected = "the folder that `dataengine serve --shadow` wrote"
        raise InputError(f"{path} cannot be read", expected=expected, got=error.strerror or "") from error
    whole = content[: content.rfind(b"\n") + 1]
    return [_disagreement(line, f"{path} line {number}") for number, line in enumerate(whole.splitlines(), 1)]


def append_disagreement(folder: Path, record: Disagreement, content: bytes) -> None:
    """Put the picture of these bytes and then the line into the folder, each whole or not at all."""
    line = json.dumps(asdict(record), allow_nan=False).encode() + b"\n"
    picture = folder / record.picture
    with atomic_path(picture) as partial:
        partial.write_bytes(content)
    opened = os.open(folder / DISAGREEMENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        end = os.fstat(opened).st_size
        try:
            written = os.write(opened, line)
            os.fsync(opened)
        except OSError:
            os.ftruncate(opened, end)
            raise
        if written < len(line):
            os.ftruncate(opened, end)
            raise OSError(f"{folder / DISAGREEMENTS}: {written} of {len(line)} bytes were written")
    except OSError:
        picture.unlink(missing_ok=True)
        raise
    finally:
        os.close(opened)


def drop_torn_line(folder: Path) -> None:
    """Cut off what a crash left of a line, so that the next one begins on a line of its own."""
    path = folder / DISAGREEMENTS
    if path.is_file():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)


def _disagreement(line: bytes, where: str) -> Disagreement:
    try:
        record = RECORDS.record(Disagreement, json.loads(line), where)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON", got=str(error)) from error
    if record.picture != f"{PICTURES}/{record.picture_sha256}.jpg" or not _SHA256.fullmatch(record.picture_sha256):
        raise InputError(f"{where} names another picture", expected=f"{PICTURES}/SHA256.jpg", got=record.picture)
    if (wrong := _wrong(record)) is not None:
        raise InputError(f"{where}: {wrong[0]}", expected=wrong[1], fix="bring the line back, or remove it")
    return record


def _wrong(record: Disagreement) -> tuple[str, str] | None:
    """The first value that no shadow writes, and what it should be."""
    joints = len(COCO_KEYPOINTS)
    for name, answer in (("champion", record.champion), ("candidate", record.candidate)):
        if (len(answer.keypoints_px), len(answer.confidence)) != (joints, joints):
            return f"{name} has other joints", f"{joints}"
        if max(abs(value) for place in answer.keypoints_px for value in place) > FARTHEST_PX:
            return f"{name}.keypoints_px", "pixels of the picture"
    if max(map(abs, record.box_xywh_px)) > FARTHEST_PX or min(record.box_xywh_px[2:]) <= 0:
        return "box_xywh_px", "a box with a size"
    if not 0 <= record.oks <= 1:
        return "oks", "0 to 1"
    return None if _HASH.fullmatch(record.perceptual_hash) else ("perceptual_hash", "16 hex digits")
