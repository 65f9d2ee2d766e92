"""Command `label-export`: the picks as COCO JSON for an annotation tool, prefilled with the teacher's guess."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dataengine.coco_json import write_people
from dataengine.people import JOINTS, Images, People
from dataengine.person_scale import with_joint_area
from dataengine.terminal.speech import say

from .manifest.files import Selection, read_selection


def command(
    selection: Annotated[Path, typer.Option(help="Folder that select wrote.")],
    out: Annotated[Path, typer.Option(help="COCO person_keypoints JSON to write.")],
) -> None:
    """Write the images to label as a COCO keypoints file that already holds the teacher's keypoints, to start from.

    Needs a folder that select wrote; the images stay where they are, and OUT names them. Correct OUT in CVAT, Label
    Studio or any tool that reads COCO, then bring it back with label-import.

    Example: dataengine label-export --selection data/select --out to_label_coco.json
    """
    people, images = prefilled(read_selection(selection))
    write_people(out, people, images)
    say(f"{len(images)} images with {len(people)} people to check: {out}")


def prefilled(selection: Selection) -> tuple[People, Images]:
    """The people in the picked images with the teacher's keypoints, and these images, most wanted first."""
    picked_people = selection.scored.take(np.isin(selection.scored.extras["sha256"], list(selection.picks)))
    people = picked_people.replace(
        keypoints_px=np.array(picked_people.extras["teacher_px"].tolist(), dtype=np.float32).reshape(-1, JOINTS, 2),
        visibility=np.array(picked_people.extras["teacher_visibility"].tolist(), dtype=np.uint8).reshape(-1, JOINTS),
        extras={"sha256": picked_people.extras["sha256"]},
    )
    rank = np.array([selection.picks[sha256]["rank"] for sha256 in picked_people.extras["sha256"].tolist()])
    people = with_joint_area(people.take(np.argsort(rank, kind="stable")))
    rows = selection.scored_images.rows_of(people.image_id)
    return people, selection.scored_images.take(list(dict.fromkeys(rows.tolist())))
