"""Why an image was picked, for people: its entry in the manifest, and its tile on the sheet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.draw import contact_sheet, draw_people, part_around
from dataengine.keypoints import COCO_KEYPOINTS
from dataengine.people import Images, People
from dataengine.pictures.encoding import write_picture
from dataengine.pictures.reading.decoding import read_picture

from ..query.picking import Candidates
from ..query.uncertainty import rank_fraction
from .files import SCORE_NAMES

WORDS: Mapping[str, str] = {
    "spread": "wide distributions",
    "entropy": "flat or many-peaked distributions",
    "peaks": "the model hesitates between several places",
    "dropout": "the answer changes when parts of what the network sees are dropped",
    "flip": "the answer changes when the image is mirrored",
    "jitter": "the answer changes when the box is moved a little",
    "second": "two networks disagree",
    "jump": "joints jump between frames",
    "implausible": "bones of a length that nobody has",
    "teacher": "student and teacher disagree",
    "rarity": "a pose that is rare in the training set",
}
NOVEL = "a pose beyond all that the training set shows"
WORST_JOINTS = 2
STANDS_OUT = 0.75
"""A score that exceeds this share of the others' is a reason; below, what the pick stands for is the better one."""
TEACHER_BGR = (0, 200, 255)
TILE_PX = (240, 240)
COLUMNS = 6
CONTEXT = 0.35
"""Picture shown around the box, as a share of its longer side."""


def manifest_entries(
    choice: Candidates,
    picked: NDArray[np.int64],
    scored: People,
    images: Images,
    *,
    weights: Mapping[str, float],
    alike: NDArray[np.int64],
    costs: NDArray[np.float64],
    folder: Path,
) -> dict[str, dict[str, Any]]:
    """sha256 of the image -> what a labelling tool and a reader need. Paths are relative to `folder`.

    A score of weight 0 had no influence, so it is never given as the reason. `alike` (k,) is how many candidate images
    each pick stands for, itself among them, `costs` (c,) what each candidate costs in the budget's unit.
    """
    names = [name for name in SCORE_NAMES if weights[name] > 0 and name in scored.extras]
    standing = {name: rank_fraction(scored.extras[name].astype(np.float64)) for name in names}
    uncertainty = scored.extras["uncertainty"].astype(np.float64)
    image_row = images.rows_of(scored.image_id)
    entries = {}
    for rank, row in enumerate(picked.tolist()):
        image, person = int(choice.image_row[row]), int(choice.person_row[row])
        people = np.flatnonzero(image_row == image)
        own = {name: float(values[person]) for name, values in standing.items()}
        represents = stands_for_words(int(alike[rank]))
        why = [represents, expected_loss(scored, person)]
        if not represents or max(own.values()) >= STANDS_OUT:
            why.insert(0, reason(own, novel=bool(scored.extras["novel"][person])))
        entries[str(choice.sha256[row])] = {
            "image": Path(os.path.relpath(str(images.path[image]), folder)).as_posix(),
            "width": int(images.width[image]),
            "height": int(images.height[image]),
            "video": str(images.video[image]),
            "frame": int(images.frame[image]),
            "rank": rank,
            "uncertainty": float(uncertainty[people].max()),
            "stands_for": int(alike[rank]),
            "cost": round(float(costs[row]), 4),
            "why": "; ".join(part for part in why if part),
            "people": [_person(scored, row) for row in people.tolist()],
        }
    return entries


def with_requests(
    entries: Mapping[str, Mapping[str, Any]], wanted_by: Sequence[str], words: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The entries, where a request asked for the pick with its id and its `words` before the other reasons.

    `wanted_by` (k,) has the id of each pick's request in the order of ranks, "" for none.
    """
    marked = {}
    for sha256, entry in entries.items():
        request = wanted_by[entry["rank"]]
        why = f"{words[request]}; {entry['why']}" if request else entry["why"]
        marked[sha256] = {**entry, "why": why, **({"request": request} if request else {})}
    return marked


def reason(standing: Mapping[str, float], *, novel: bool = False) -> str:
    """The score that stands out most, in words. `standing`: share of the other people that each score exceeds."""
    name = max(standing, key=lambda key: standing[key])
    words = NOVEL if name == "rarity" and novel else WORDS[name]
    return f"{words}, more than for {standing[name]:.0%} of the other people"


def expected_loss(scored: People, person: int) -> str:
    """What is expected to be lost, and at which joints most; "" where the uncertainty has no unit."""
    if "joint_uncertainty" not in scored.extras:
        return ""
    joints = np.asarray(scored.extras["joint_uncertainty"][person], dtype=np.float64)
    worst = [row for row in np.argsort(-joints, kind="stable")[:WORST_JOINTS].tolist() if joints[row] > 0]
    at = " and ".join(f"{COCO_KEYPOINTS[row].replace('_', ' ')} ({joints[row]:.2f})" for row in worst)
    return f"{float(scored.extras['uncertainty'][person]):.2f} of OKS likely lost" + (f", most at {at}" if at else "")


def stands_for_words(alike: int) -> str:
    """How many images are nearest to the pick, itself among them."""
    return f"nearest pick to {alike - 1} other image{'s' * (alike != 2)}" if alike > 1 else ""


def write_sheet(path: Path, choice: Candidates, picked: NDArray[np.int64], scored: People, images: Images) -> None:
    """A sheet of the picks in their order, a blank one without picks: the student by sides, the teacher in yellow."""
    tiles, captions = [], []
    for rank, row in enumerate(picked.tolist()):
        person = int(choice.person_row[row])
        picture = read_picture(str(images.path[choice.image_row[row]]))
        one = scored.take([person])
        teacher = one.replace(
            keypoints_px=np.array(one.extras["teacher_px"].tolist(), dtype=np.float32),
            visibility=np.array(one.extras["teacher_visibility"].tolist(), dtype=np.uint8),
        )
        with_skeletons = draw_people(draw_people(picture, teacher, TEACHER_BGR), one)
        tiles.append(part_around(with_skeletons, one.bbox_xywh_px[0], CONTEXT)[0])
        captions.append(f"{rank + 1}: worth {choice.score[row]:.2f}")
    sheet = contact_sheet(tiles, columns=max(1, min(COLUMNS, len(tiles))), tile=TILE_PX, captions=captions)
    write_picture(path, sheet)


def _person(scored: People, row: int) -> dict[str, Any]:
    names = [name for name in ("uncertainty", *SCORE_NAMES, "novel") if name in scored.extras]
    figures = {name: scored.extras[name][row] for name in names}
    return {"bbox_xywh_px": [round(float(v), 2) for v in scored.bbox_xywh_px[row]], **figures}
