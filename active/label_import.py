"""Command `label-import`: what a person labelled, checked, as a file named by its content.

Images are identified by their sha256, not by name or id, since annotation tools rename and renumber. The same labels
give the same file, whatever order the tool wrote them in.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.coco_json import read_project_people, write_people
from dataengine.errors import InputError
from dataengine.files import sha256_file, short_sha256
from dataengine.geometry.pixel_grid import to_corner
from dataengine.keypoints import UNLABELLED
from dataengine.leakage.leaks import refuse_held_out
from dataengine.people import Images, People
from dataengine.person_scale import AREA_FROM, GIVEN, MASK, scale_columns, with_area, with_joint_area
from dataengine.terminal.speech import say

from .manifest.files import read_selection

OUTSIDE_TOLERANCE_PX = 2.0
"""Tools round, and a joint may be clicked on the very edge."""
LISTED = 5
"""Bad records that an error names; the rest are counted."""


def command(
    labels: Annotated[Path, typer.Option(help="COCO person_keypoints JSON with the corrected labels.")],
    selection: Annotated[Path, typer.Option(help="Folder that select wrote.")],
    out: Annotated[Path, typer.Option(help="Folder that collects imported labels.")],
    images: Annotated[Path | None, typer.Option(help="Folder of the images, if not where LABELS says.")] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="held_out.json of ingest: pictures of validation and test are refused.")
    ] = None,
) -> None:
    """Check what a person labelled and write it to OUT/<hash of the content>.json, a COCO keypoints file.

    Every image must be one of the selection's; a person needs a labelled joint, and joints must lie in the image.
    Then add the file to mix.labels in params.yaml: the next `dvc repro` learns from it.

    Example: dataengine label-import --labels to_label_coco.json --selection data/select --held-out data/ingest/held_out.json --out data/labels
    """  # noqa: E501  an example is one line to copy
    written, people = run(labels=labels, selection=selection, out=out, images=images, held_out=held_out)
    say(f"{people} people: {written}; to learn from them, add the file to mix.labels in params.yaml")


def run(
    *, labels: Path, selection: Path, out: Path, images: Path | None = None, held_out: Path | None = None
) -> tuple[Path, int]:
    """Import `labels`; returns the file written and the number of people in it.

    Raises:
        InputError: a record is wrong, or an image is not in the selection, or is one that `held_out` names.
    """
    people, named_images = read_project_people(labels)
    if images is not None:
        paths = [str(images / Path(path).name) for path in named_images.path.tolist()]
        named_images = named_images.replace(path=paths)
    picks = read_selection(selection)
    rows = dict(zip(picks.scored_sha256, range(len(picks.scored_images)), strict=True))
    people, table = _on_scored_images(people, named_images, rows, picks.scored_images)
    _check(people, table, labels)
    refuse_held_out(held_out, table, labels)
    people, table = _in_order(people, table)
    digest = _content_sha256(people)
    path = out / f"{short_sha256(digest)}.json"
    write_people(path, people, table, info={"content_sha256": digest})
    return path, len(people)


def _on_scored_images(people: People, named: Images, rows: dict[str, int], scored: Images) -> tuple[People, Images]:
    """The people with the column `sha256`, on the selection's own images not the tool's copies."""
    missing = [path for path in named.path.tolist() if not Path(path).is_file()]
    if missing:
        raise InputError(f"image {missing[0]} does not exist", fix="give --images, the folder the images lie in")
    hashes = np.array([sha256_file(Path(path)) for path in named.path.tolist()], dtype="<U64")
    unknown = [path for path, sha256 in zip(named.path.tolist(), hashes.tolist(), strict=True) if sha256 not in rows]
    if unknown:
        raise InputError(
            f"{len(unknown)} labelled images are not in the selection",
            got=", ".join(unknown[:LISTED]),
            fix="drop them, or give the selection they come from; a re-encoded copy counts as another image",
        )
    sha256 = hashes[named.rows_of(people.image_id)]
    row = np.array([rows[key] for key in sha256.tolist()], dtype=np.int64)
    extras = {"sha256": sha256, **scale_columns(_measured(people))}
    return people.replace(image_id=scored.id[row], extras=extras), scored.take(np.unique(row))


def _measured(people: People) -> People:
    """With the area of the joints as they are now; one of a mask, or of the source's own, stays.

    Tools write an area of their own, mostly the whole box's, so one counts only where `area_from` came back with it.
    """
    came_from = people.extras.get(AREA_FROM, np.full(len(people), ""))
    kept = np.isin(came_from.astype(str), [MASK, GIVEN])
    measured = with_joint_area(people)
    for name, column in scale_columns(with_area(people.take(kept))).items():
        measured.extras[name][kept] = column
    return measured


def _check(people: People, images: Images, path: Path) -> None:
    if not len(people):
        raise InputError(f"{path} labels nobody", expected="at least one person")
    rows = images.rows_of(people.image_id)
    size = np.stack([images.width[rows], images.height[rows]], axis=1)[:, None]
    labelled = people.visibility > UNLABELLED
    points = to_corner(people.keypoints_px)
    outside = ((points < -OUTSIDE_TOLERANCE_PX) | (points > size + OUTSIDE_TOLERANCE_PX)).any(axis=2) & labelled
    faults = {
        "has no labelled joint": ~labelled.any(axis=1),
        "has a joint outside the image": outside.any(axis=1),
        "has an empty box": (people.bbox_xywh_px[:, 2:] <= 0).any(axis=1),
    }
    bad = [f"person {row + 1} {fault}" for fault, mask in faults.items() for row in np.flatnonzero(mask)]
    if bad:
        more = f" and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
        raise InputError(f"{path} has wrong records", got=", ".join(bad[:LISTED]) + more, fix="correct them")


def _in_order(people: People, images: Images) -> tuple[People, Images]:
    """Sorted by image hash, then box; image ids count from 0. Hand-labelled people are real, of weight 1."""
    keys = (*people.bbox_xywh_px.T[::-1], people.extras["sha256"])
    people = people.take(np.lexsort(keys))
    rows = images.rows_of(people.image_id)
    order = list(dict.fromkeys(rows.tolist()))
    numbers = {row: number for number, row in enumerate(order)}
    table = images.take(order).replace(id=np.arange(len(order)))
    return People.build(
        image_id=[numbers[row] for row in rows.tolist()],
        bbox_xywh_px=people.bbox_xywh_px,
        keypoints_px=people.keypoints_px,
        visibility=people.visibility,
        extras=dict(people.extras),
    ), table


def _content_sha256(people: People) -> str:
    """Hash of what was labelled: images, boxes, joints, in the order of `_in_order`."""
    content = hashlib.sha256("".join(people.extras["sha256"].tolist()).encode())
    points = np.where(people.visibility[..., None] > UNLABELLED, people.keypoints_px, 0)
    for array in (people.bbox_xywh_px, points):
        content.update(np.round(array.astype(np.float64), 2).tobytes())
    content.update(people.visibility.tobytes())
    return content.hexdigest()
