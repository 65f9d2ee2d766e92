"""What is held out for measuring, as a file: validation and test by what their pictures hold.

`ingest` writes ``held_out.json`` next to the splits and clears the pool of what it finds with it; the stages that learn
or propose refuse it (`leaks.refuse_held_out`). The file has thumbnails of 32x32 pixels, so it stays among the data.
"""

import base64
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dataengine.errors import InputError
from dataengine.files import read_json, write_json
from dataengine.leakage.contents import Contents
from dataengine.leakage.perceptual_hash import THUMBNAIL_PX
from dataengine.typed_record import RECORDS

HELD_OUT_NAME = "held_out.json"
FORMAT = 1
_PICTURE_KEYS = ("split", "sha256", "video", "frame", "video_sha256", "thumbnail")


@dataclass(frozen=True)
class LeakRule:
    """When a picture counts as one that is held out."""

    bits: int
    """Near duplicates: perceptual hashes (64 bits) differ in at most this many bits."""
    correlation: float
    """Near duplicates: thumbnails also correlate by at least this."""
    gap_frames: int | None
    """Frames of a recording this close to a held-out frame are held out; None holds out whole recordings."""


@dataclass(frozen=True, eq=False)
class HeldOutSet:
    """The pictures that are held out."""

    contents: Contents
    split: NDArray[np.str_]  # (m,) "val", "test", or "reserved" for a later test set
    rule: LeakRule


def write_held_out(path: Path, held_out: HeldOutSet) -> None:
    """Write ``held_out.json``: the rule, and hash, thumbnail and place of every picture."""
    contents = held_out.contents
    pictures = [
        {
            "split": str(held_out.split[row]),
            "sha256": str(contents.sha256[row]),
            "video": str(contents.video[row]),
            "frame": int(contents.frame[row]),
            "video_sha256": str(contents.video_sha256[row]),
            "thumbnail": base64.b64encode(contents.thumbnails[row].tobytes()).decode(),
        }
        for row in range(len(contents))
    ]
    write_json(path, {"format": FORMAT, "rule": asdict(held_out.rule), "pictures": pictures})


def read_held_out(path: Path) -> HeldOutSet:
    """The inverse of `write_held_out`; anything else is an `InputError`."""
    document = read_json(path)
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}")
        pictures = document["pictures"]
        columns = {name: [picture[name] for picture in pictures] for name in _PICTURE_KEYS}
        thumbnails = np.frombuffer(b"".join(base64.b64decode(t) for t in columns["thumbnail"]), dtype=np.uint8)
        contents = Contents(
            sha256=np.array(columns["sha256"], dtype="<U64"),
            thumbnails=thumbnails.reshape(len(pictures), THUMBNAIL_PX, THUMBNAIL_PX),
            video=np.array(columns["video"], dtype=str),
            frame=np.array(columns["frame"], dtype=np.int64),
            video_sha256=np.array(columns["video_sha256"], dtype="<U64"),
        )
        split = np.array(columns["split"], dtype=str)
        rule = RECORDS.record(LeakRule, document["rule"], f"{path}: rule")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        got = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        what = f"{path} does not say what is held out"
        raise InputError(what, expected=f"{HELD_OUT_NAME} as ingest writes it", got=got) from error
    return HeldOutSet(contents, split, rule)
