"""The usual slices of a labelled set: occlusion, crowding, size, truncation, source, video, pose cluster, any tag.

`standard_slices` makes every slice that needs only the labels, `slices_by_pose` those by the training set's poses;
`slices_by_person`, `slices_by_image` and `slices_by_tags` cut by any column. Adding a slicing: a function from `People`
and `Images` to a list of `Slice`, named ``<what>=<which>``.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dataengine.boxes import pairwise_iou
from dataengine.errors import InputError
from dataengine.evaluation.analysis.slices import Slice, slice_of_people
from dataengine.keypoints import OCCLUDED, UNLABELLED
from dataengine.people import Images, People
from dataengine.person_scale import person_area
from dataengine.poses.clusters import UNCLUSTERED
from dataengine.poses.training_poses import TrainingPoses

MEDIUM_PX2, LARGE_PX2 = 32.0**2, 96.0**2  # COCO's bounds of people's area
MOSTLY_OCCLUDED = 0.5  # share of the labelled joints
# From this IoU on Ronchi & Perona (ICCV 2017, sect. 5) count a neighbour as an overlap.
OVERLAP_IOU = 0.1
BORDER_PX = 1.0  # boxes that end this near to the frame are cut by it; labels are rounded


def standard_slices(gt: People, images: Images) -> list[Slice]:
    """Every slicing that needs nothing but the labels, without slices that hold everybody or nobody."""
    builders: tuple[Callable[[People, Images], list[Slice]], ...] = (
        slices_by_size,
        slices_by_occlusion,
        slices_by_crowding,
        slices_by_truncation,
        slices_by_source,
        slices_by_video,
    )
    every = [part for build in builders for part in build(gt, images)]
    return [part for part in every if part.people.any() and not part.people.all()]


def slices_by_person(what: str, values: ArrayLike, gt: People, images: Images) -> list[Slice]:
    """One slice per value of a column of people (n,): pose cluster, label, annotator. None and "" are in no slice."""
    column = _column(what, values, len(gt))
    at = images.rows_of(gt.image_id)
    return [slice_of_people(f"{what}={value}", column == value, at, len(images)) for value in _values(column)]


def slices_by_image(what: str, values: ArrayLike, gt: People, images: Images) -> list[Slice]:
    """One slice per value of a column of images (m,): video, camera, place. None and "" are in no slice."""
    column = _column(what, values, len(images))
    at = images.rows_of(gt.image_id)
    return [Slice(f"{what}={value}", (column == value)[at], column == value) for value in _values(column)]


def slices_by_tags(what: str, tags: Sequence[Collection[str]], gt: People, images: Images) -> list[Slice]:
    """One slice per tag, of people or of images, each of which may have any number of tags, as in FiftyOne.

    Args:
        what: Name of the tags, such as "tag".
        tags: Those of each person (n,) or of each image (m,); if n = m they are taken as the people's.
        gt: The labelled people.
        images: Their images.

    Raises:
        InputError: their number is neither that of the people nor that of the images.
    """
    if len(tags) not in (len(gt), len(images)):
        expected = f"{len(gt)} (one for each person) or {len(images)} (for each image)"
        raise InputError(f"tags {what!r} fit neither people nor images", expected=expected, got=str(len(tags)))
    at = images.rows_of(gt.image_id)
    slices = []
    for tag in sorted({tag for each in tags for tag in each}):
        has = np.array([tag in each for each in tags], dtype=bool)
        name = f"{what}={tag}"
        slices.append(
            slice_of_people(name, has, at, len(images)) if len(tags) == len(gt) else Slice(name, has[at], has)
        )
    return slices


def slices_by_size(gt: People, images: Images) -> list[Slice]:
    """COCO's small, medium and large, by area."""
    band = np.digitize(person_area(gt), [MEDIUM_PX2, LARGE_PX2])
    return slices_by_person("size", np.array(["small", "medium", "large"])[band], gt, images)


def slices_by_occlusion(gt: People, images: Images) -> list[Slice]:
    """By the share of the labelled joints that are labelled as occluded: none, some, most of them."""
    labelled = np.count_nonzero(gt.visibility > UNLABELLED, axis=1)
    share = np.count_nonzero(gt.visibility == OCCLUDED, axis=1) / np.maximum(labelled, 1)
    name = np.where(share == 0, "none", np.where(share <= MOSTLY_OCCLUDED, "some", "most"))
    return slices_by_person("occlusion", np.where(labelled > 0, name, ""), gt, images)


def slices_by_crowding(gt: People, images: Images) -> list[Slice]:
    """By the number of people of the same image whose box overlaps with one's own (IoU of `OVERLAP_IOU` or more)."""
    overlaps = np.zeros(len(gt), dtype=np.int64)
    order = np.argsort(gt.image_id, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(gt.image_id[order])) + 1):
        overlapping = pairwise_iou(gt.bbox_xywh_px[rows], gt.bbox_xywh_px[rows]) >= OVERLAP_IOU
        np.fill_diagonal(overlapping, False)
        overlaps[rows] = overlapping.sum(axis=1)
    name = np.where(overlaps == 0, "alone", np.where(overlaps <= 2, "1-2", "3+"))
    return slices_by_person("overlaps", name, gt, images)


def slices_by_truncation(gt: People, images: Images) -> list[Slice]:
    """By whether the box touches the frame."""
    x, y, width, height = gt.bbox_xywh_px.T
    at = images.rows_of(gt.image_id)
    right, bottom = images.width[at] - (x + width), images.height[at] - (y + height)
    cut = np.minimum.reduce([x, y, right, bottom]) <= BORDER_PX
    return slices_by_person("truncated", np.where(cut, "yes", "no"), gt, images)


def slices_by_source(gt: People, images: Images) -> list[Slice]:
    """Real, synthetic, pseudo-labelled."""
    return slices_by_person("source", gt.source, gt, images)


def slices_by_video(gt: People, images: Images) -> list[Slice]:
    """One slice per video; single images are in none."""
    return slices_by_image("video", images.video, gt, images)


def slices_by_pose(poses: TrainingPoses, gt: People, images: Images) -> list[Slice]:
    """``cluster=<number>`` in their order, ``rare=yes`` or ``no``, ``novel=yes`` or ``no``, among training people.

    A slice that holds everybody stays, since a policy may name it. People without a pose are in no slice.
    """
    stand = poses.look_up(gt.keypoints_px, gt.visibility)
    at, has = images.rows_of(gt.image_id), stand.cluster != UNCLUSTERED
    parts = {f"cluster={number}": stand.cluster == number for number in np.unique(stand.cluster[has])}
    for what, who in (("rare", stand.rare), ("novel", stand.novel)):
        parts |= {f"{what}=no": has & ~who, f"{what}=yes": who}
    return [slice_of_people(name, who, at, len(images)) for name, who in parts.items() if who.any()]


def _column(what: str, values: ArrayLike, rows: int) -> NDArray[Any]:
    column = np.asarray(values)
    if column.shape != (rows,):
        raise InputError(f"column {what!r} does not fit", expected=f"({rows},)", got=str(column.shape))
    return column


def _values(column: NDArray[Any]) -> list[Any]:
    return sorted({value for value in column.tolist() if value is not None and value != ""}, key=str)
