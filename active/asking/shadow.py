"""Needs from shadow serving: people on whom a candidate that answers next to the champion disagrees with it.

A folder of ``*.jsonl`` files, one JSON object a line for each disagreement:

    {"picture": "pictures/ab12.jpg", "sha256": "...", "width": 640, "height": 480, "box": [x, y, w, h],
     "champion": [[x, y, confidence], ...], "candidate": [[x, y, confidence], ...], "oks": 0.41, "reason": "..."}

`picture` is relative to the folder, "" where it was not kept; `sha256` is that of its bytes. `width` and `height` are
its size, px; `box` (edges of pixels) and the 17 joints of each model (centres of pixels, order of `COCO_KEYPOINTS`) lie
in it. `oks` is that of the candidate's joints with the champion's. Other keys are passed over, and so is a line that is
not such an object; how many were is said.

Which of the two is right nobody knows yet: the champion's joints stand for the pose, since its place in the space of
poses is what counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.dvc_cache.enclosure import Enclosure
from dataengine.errors import InputError
from dataengine.keypoints import UNLABELLED, VISIBLE
from dataengine.people import JOINTS, Images, People
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses
from dataengine.requests.record import ORIGIN
from dataengine.terminal.speech import say

from .need import Need
from .parts import CLUSTER
from .request_params import RequestParams

SURE = 0.3
"""Confidence from which a joint of the champion's is part of the pose."""
LONGEST_LINE, MOST_LINES = 65_536, 200_000
LARGEST_PX = 100_000


@dataclass(frozen=True, eq=False)
class Disagreements:
    """n people on whom two models disagree."""

    people: People  # with the champion's joints, ORIGIN and sha256
    images: Images
    oks: np.typing.NDArray[np.float64]  # (n,)
    reasons: tuple[str, ...]


def read_disagreements(folder: Path) -> Disagreements:
    """Read the folder; lines that cannot be used are counted, and a line says how many.

    Raises:
        InputError: the folder does not exist.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist", expected="a folder with *.jsonl of shadow serving")
    enclosure, rows, bad = Enclosure(folder), list[dict[str, Any]](), Counter[str]()
    for path in sorted(folder.glob("*.jsonl")):
        for line in _lines(path):
            try:
                rows.append(_checked(json.loads(line), folder, enclosure))
            except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
                bad[f"{path.name}: {' '.join(str(error).split())[:100]}"] += 1
    if bad:
        say(f"request: {sum(bad.values())} lines of {folder} are no disagreements, such as {bad.most_common(1)[0][0]}")
    return _table(rows)


def needs_of_shadow(found: Disagreements, poses: TrainingPoses | None, params: RequestParams) -> Iterator[Need]:
    """A need for each pose cluster of the disagreements below `params.shadow_oks`; without clusters one for all."""
    grave = found.oks < params.shadow_oks
    if not grave.any():
        return
    cluster = np.full(len(found.oks), UNCLUSTERED)
    if poses is not None:
        cluster = poses.look_up(found.people.keypoints_px, found.people.visibility).cluster
    for number in np.unique(cluster[grave]).tolist():
        rows = np.flatnonzero(grave & (cluster == number))
        rows = rows[np.argsort(found.oks[rows], kind="stable")]
        lost, share = float(1 - found.oks[rows].mean()), len(rows) / int(grave.sum())
        why = Counter(found.reasons[row] for row in rows if found.reasons[row]).most_common(1)
        said = f"; most often: {why[0][0][:100]}" if why else ""
        people = found.people.take(rows[: params.examples])
        images = found.images.take(np.unique(found.images.rows_of(people.image_id)))
        yield Need(
            asked_by="shadow",
            part="" if number == UNCLUSTERED else f"{CLUSTER}={number}",
            weight=lost * share,
            reason=f"champion and candidate differ on {len(rows)} people served, by {lost:.2f} of OKS{said}",
            examples=(people, images),
            evidence={"people": len(rows), "oks": round(1 - lost, 6)},
        )


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file, without ever holding more than a long one."""
    with path.open("r", encoding="utf-8", errors="replace") as opened:
        for _ in range(MOST_LINES):
            line = opened.readline(LONGEST_LINE)
            if not line:
                return
            if line.strip():
                yield line


def _checked(record: Any, folder: Path, enclosure: Enclosure) -> dict[str, Any]:
    """A line's object, with numbers as they are used; anything else is a ValueError, TypeError or KeyError."""
    if not isinstance(record, dict):
        raise ValueError("no object")
    size = [int(record[name]) for name in ("width", "height")]
    box = _numbers(record["box"], (4,))
    champion, candidate = (_numbers(record[who], (JOINTS, 3)) for who in ("champion", "candidate"))
    oks = float(record["oks"])
    if not 0 <= oks <= 1:
        raise ValueError("oks is not in 0..1")
    if min(size) < 1 or max(size) > LARGEST_PX or (box[2:] <= 0).any():
        raise ValueError("a picture or box without a size")
    picture = str(record.get("picture", ""))
    if picture and str(folder / picture) not in enclosure:
        raise ValueError("a picture outside of the folder")
    texts = {name: str(record.get(name, "")) for name in ("sha256", "reason")}
    return {**texts, "picture": picture, "size": size, "box": box, "joints": champion, "other": candidate, "oks": oks}


def _numbers(value: Any, shape: tuple[int, ...]) -> np.typing.NDArray[np.float64]:
    found = np.array(value, dtype=np.float64)
    if found.shape != shape or not np.isfinite(found).all() or np.abs(found).max() > LARGEST_PX:
        raise ValueError(f"expected {shape} finite numbers")
    return found


def _table(rows: Sequence[dict[str, Any]]) -> Disagreements:
    if not rows:
        none = Images.build(id=[], path=[], width=[], height=[])
        return Disagreements(People.empty(), none, np.empty(0), ())
    joints = np.array([row["joints"] for row in rows])
    flags = np.where(joints[..., 2] >= SURE, VISIBLE, UNLABELLED)
    people = People.build(
        image_id=np.arange(len(rows)),
        bbox_xywh_px=np.array([row["box"] for row in rows]),
        keypoints_px=np.where(flags[..., None] > UNLABELLED, joints[..., :2], 0.0),
        visibility=flags,
        source="pseudo",
        extras={"sha256": [row["sha256"] for row in rows], ORIGIN: ["shadow"] * len(rows)},
    )
    images = Images.build(
        id=np.arange(len(rows)),
        path=[row["picture"] or f"not_kept_{number}" for number, row in enumerate(rows)],
        width=[row["size"][0] for row in rows],
        height=[row["size"][1] for row in rows],
    )
    return Disagreements(people, images, np.array([row["oks"] for row in rows]), tuple(row["reason"] for row in rows))
