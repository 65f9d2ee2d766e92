"""Pictures that came back and were not sent: altered copies, pictures of another round, or strangers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dataengine.errors import InputError
from dataengine.leakage.perceptual_hash import correlations, hamming, perceptual_hashes
from dataengine.leakage.picture_facts import PictureFacts, inspect_pictures
from dataengine.people import Images

from .returned import Returned
from .sent import SENT_SUFFIX, Sent, read_sent

ALIKE_BITS, ALIKE_CORRELATION = 10, 0.95
"""A copy encoded again differs in next to none of the 64 bits. Neighbouring frames are alike, too: the nearest is
named, and the labels are not used in any case."""


def explained(images: Images, sha256: Sequence[str], sent: Sent, record: Path) -> Returned:
    """What is known of `images`, whose files have these hashes; none was sent with `sent`, which `record` holds."""
    if not len(images):
        return Returned()
    earlier = _other_records(record)
    known = {row: earlier[key] for row, key in enumerate(sha256) if key in earlier}
    rows = [row for row in range(len(images)) if row not in known]
    copies = _copies(images.take(rows), sent.images)
    altered = {row: copies[number] for number, row in enumerate(rows) if number in copies}
    names = [Path(path).name for path in images.path.tolist()]
    return Returned(
        altered=[f"{names[row]} (like {copy})" for row, copy in altered.items()],
        earlier=[f"{names[row]} ({name})" for row, name in known.items()],
        not_sent=[names[row] for row in rows if row not in altered],
    )


def _other_records(record: Path) -> dict[str, str]:
    """Hash of each picture that the other records in the folder sent -> the newest such record's name."""
    pictures: dict[str, str] = {}
    others = [path for path in record.parent.glob(f"*{SENT_SUFFIX}") if path.resolve() != record.resolve()]
    for path in sorted(others, key=lambda each: each.stat().st_mtime):
        try:
            pictures |= dict.fromkeys(read_sent(path).sha256.tolist(), path.name)
        except InputError:  # not a record, or one whose pictures are gone: nothing is known of it
            continue
    return pictures


def _copies(images: Images, sent: Images) -> dict[int, str]:
    """Row of `images` -> name of the picture of the same size that was sent and looks the most like it."""
    mine, theirs = _looks(images), _looks(sent)
    if not mine or not theirs:
        return {}
    thumbnails = np.array([look.thumbnail for look in (*mine.values(), *theirs.values())], dtype=np.uint8)
    hashes = perceptual_hashes(thumbnails)
    found: dict[int, str] = {}
    for number, (row, look) in enumerate(mine.items()):
        same = [place for place, other in enumerate(theirs.values()) if other.header.size == look.header.size]
        rows = len(mine) + np.array(same, dtype=np.int64)
        bits = hamming(hashes[np.full(len(rows), number)], hashes[rows])
        likeness = np.where(bits <= ALIKE_BITS, correlations(thumbnails, np.full(len(rows), number), rows), -np.inf)
        if len(rows) and likeness.max() >= ALIKE_CORRELATION:
            found[row] = Path(sent.path[list(theirs)[same[int(likeness.argmax())]]]).name
    return found


def _looks(images: Images) -> dict[int, PictureFacts]:
    """Row -> facts of each picture that can be read."""
    facts = inspect_pictures(images.path.tolist())
    return {row: look for row, look in enumerate(facts) if isinstance(look, PictureFacts)}
