"""How an answer of given shapes may be built and read, in order of preference: of equal readings the first is taken.

`structures` finds in the shapes of an answer how it may be built, `variants` lists the conventions by which each may be
read, `with_scores_seen` says by their values whether scores are logits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataengine.adopted.contract import AnswerForm, Axes, Decode, Feed, Grid, Units

JOINTS_FROM, JOINTS_TO = 11, 150  # of a person, in public networks
LEAST_CELLS = 8  # of a heatmap's side, or it is none
ASPECT_SLACK = 0.05
MOST_PER_JOINT = 10  # RF-DETR answers 8 numbers for each joint
SCORE_OF_BOX = 4  # its column after a box of four numbers
UNLIKE_A_SHARE = (-0.5, 1.5)  # scores outside of this are logits

# Which conventions go together where: SimpleBaseline and HRNet; UDP with DARK (ViTPose); DARK alone; then the rest.
HEATMAP_READINGS: tuple[tuple[Decode, Grid], ...] = (
    ("quarter", "stride"),
    ("dark", "align corners"),
    ("dark", "stride"),
    ("argmax", "stride"),
    ("quarter", "align corners"),
    ("argmax", "align corners"),
    ("dark", "half pixel"),
    ("quarter", "half pixel"),
    ("argmax", "half pixel"),
)
# RTMPose; our own; then the rest.
SIMCC_READINGS: tuple[tuple[Decode, Grid], ...] = (
    ("argmax", "stride"),
    ("mean", "half pixel"),
    ("argmax", "half pixel"),
    ("mean", "stride"),
    ("argmax", "align corners"),
    ("mean", "align corners"),
)
POINT_GRIDS: tuple[Grid, ...] = ("stride", "corner", "align corners")
PLACE_FORMS: tuple[tuple[Units, Axes], ...] = (("pixels", "xy"), ("shares", "xy"), ("shares", "yx"), ("pixels", "yx"))
Tensors = Mapping[str, NDArray[Any]]


def structures(tensors: Tensors, feed: Feed) -> list[AnswerForm]:
    """Every way in which an answer of these shapes may hold poses, read by the first convention of its kind."""
    found = [*_heatmaps(tensors, feed), *_axes(tensors, feed), *_poses(tensors), *_tables(tensors), *_lists(tensors)]
    return list(dict.fromkeys(found))


def variants(answers: AnswerForm) -> list[AnswerForm]:
    """The conventions by which an answer of this structure may be read."""
    if answers.kind in ("heatmap", "simcc"):
        readings = HEATMAP_READINGS if answers.kind == "heatmap" else SIMCC_READINGS
        return [replace(answers, decode=decode, grid=grid) for decode, grid in readings]
    grids = POINT_GRIDS if answers.units == "shares" else POINT_GRIDS[:2]
    return [replace(answers, grid=grid) for grid in grids]


def with_scores_seen(answers: AnswerForm, seen: NDArray[np.floating[Any]]) -> AnswerForm:
    """The same with its scores as logits, where `seen` values of them are no shares."""
    low, high = UNLIKE_A_SHARE
    return replace(answers, sigmoid=bool(seen.size and (seen.min() < low or seen.max() > high)))


def _heatmaps(tensors: Tensors, feed: Feed) -> Iterator[AnswerForm]:
    decode, grid = HEATMAP_READINGS[0]
    for name, tensor in tensors.items():
        if tensor.ndim != 4:
            continue
        _, one, two, three = tensor.shape
        for layout, joints, height, width in (("channels first", one, two, three), ("channels last", three, one, two)):
            fits = min(height, width) >= LEAST_CELLS and height <= feed.height_px
            fits &= abs(width / max(height, 1) * feed.height_px / feed.width_px - 1) < ASPECT_SLACK
            if fits and _is_person(joints):
                yield AnswerForm("heatmap", joints, name, layout=layout, decode=decode, grid=grid)  # type: ignore[arg-type]


def _axes(tensors: Tensors, feed: Feed) -> Iterator[AnswerForm]:
    decode, grid = SIMCC_READINGS[0]
    flat = {name: tensor.shape[1:] for name, tensor in tensors.items() if tensor.ndim == 3}
    for x, (joints, columns) in flat.items():
        for y, (same, rows) in flat.items():
            fits = x != y and joints == same and _is_person(joints)
            fits = fits and columns >= feed.width_px and rows >= feed.height_px
            if fits and abs(columns * feed.height_px / (rows * feed.width_px) - 1) < ASPECT_SLACK:
                yield AnswerForm("simcc", joints, x, y, decode=decode, grid=grid)


def _poses(tensors: Tensors) -> Iterator[AnswerForm]:
    for name, tensor in tensors.items():
        for joints, per_joint in _splits(tensor.shape[1:]):
            scores = [
                other
                for other, values in tensors.items()
                if other != name and values.size == joints and values.shape[0] == 1
            ]
            for other in [*scores, ""]:
                for units, axes in PLACE_FORMS:
                    yield AnswerForm("points", joints, name, other, per_joint=per_joint, units=units, axes=axes)


def _splits(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """(joints, numbers of each) of one pose in a tensor of this shape."""
    shape = tuple(size for size in shape if size != 1)
    if len(shape) == 2 and _is_person(shape[0]) and 2 <= shape[1] <= MOST_PER_JOINT:
        yield shape
    if len(shape) == 1:
        yield from _flat_splits(shape[0])


def _flat_splits(numbers: int) -> Iterator[tuple[int, int]]:
    for per_joint in (3, 2, 4, 5):  # with a score; bare; with depth and score; BlazePose
        if numbers % per_joint == 0 and _is_person(numbers // per_joint):
            yield numbers // per_joint, per_joint


def _tables(tensors: Tensors) -> Iterator[AnswerForm]:
    """One table, a row or a column for each detection: box, score, perhaps a class, then joints; or joints first."""
    for name, tensor in tensors.items():
        if tensor.ndim != 3:
            continue
        for layout, columns in (("channels first", tensor.shape[1]), ("channels last", tensor.shape[2])):
            for before in (5, 6):
                for first, score in ((before, SCORE_OF_BOX), (0, columns - 1)):
                    for joints, per_joint in _flat_splits(columns - before):
                        if per_joint > 3:
                            continue
                        for units, axes in PLACE_FORMS:
                            yield AnswerForm(
                                "detections",
                                joints,
                                name,
                                layout=layout,  # type: ignore[arg-type]
                                per_joint=per_joint,
                                first=first,
                                score=score,
                                units=units,
                                axes=axes,
                            )


def _lists(tensors: Tensors) -> Iterator[AnswerForm]:
    """Joints of detections in one tensor, their scores in another: RTMO's and RF-DETR's."""
    for name, tensor in tensors.items():
        if tensor.ndim == 4 and _is_person(tensor.shape[2]) and 2 <= tensor.shape[3] <= MOST_PER_JOINT:
            splits = [(tensor.shape[2], tensor.shape[3])]
        elif tensor.ndim == 3:
            splits = [split for split in _flat_splits(tensor.shape[2]) if split[1] <= 3]
        else:
            continue
        for other, values in tensors.items():
            if other == name or values.ndim not in (2, 3) or values.shape[1] != tensor.shape[1]:
                continue
            width = values.shape[2] if values.ndim == 3 else 1
            if width == SCORE_OF_BOX:  # boxes alone
                continue
            score = {1: 0, 5: SCORE_OF_BOX, 6: SCORE_OF_BOX}.get(width, -1)
            for joints, per_joint in splits:
                for units, axes in PLACE_FORMS:
                    yield AnswerForm(
                        "detections",
                        joints,
                        name,
                        other,
                        layout="channels last",
                        per_joint=per_joint,
                        score=score,
                        units=units,
                        axes=axes,
                    )


def _is_person(joints: int) -> bool:
    return JOINTS_FROM <= joints <= JOINTS_TO
