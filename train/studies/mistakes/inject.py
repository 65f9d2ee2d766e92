"""Mistakes made on purpose in labels taken for right: one at most per person, a share of people for each kind.

Sides are exchanged; a joint is moved by 0.5 to 1 length of its limb within the picture; a joint, or all of them, are
put on somebody else whom BlazePose sees in the picture; flags are turned round; a person's labels are dropped. A box
that was drawn around joints follows a joint that moves, so that it does not betray it; with all joints on somebody else
it stays, for else the labels would simply be somebody else's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dataengine.boxes import clip_boxes
from dataengine.geometry.pixel_grid import to_corner, within
from dataengine.keypoints import OCCLUDED, UNLABELLED, VISIBLE
from dataengine.people import Images, People

from ...mistakes.hypotheses import EXCHANGES, LEAST_PAIRS, Floats, displacements, exchanged, limb_px, paired
from ...mistakes.misplaced import LEAST_JOINTS
from ...mistakes.unlabelled import Sighting, unlabelled_people

SHIFT = (0.5, 1.0)  # limb lengths
_TRIES = 16  # directions, for one that stays in the picture
_CERTAIN = 0.5  # chance from which on a sighting is a person to put joints on


@dataclass(frozen=True, eq=False)
class Injected:
    """n people of whom some have mistakes."""

    people: People
    kind: NDArray[np.str_]  # (n,) of the mistake; "" for none
    joint: NDArray[np.int64]  # (n,) the joint that is wrong, where it is one; -1
    limbs: Floats  # (n,) by how many limb lengths a joint was moved; NaN

    @property
    def kept(self) -> NDArray[np.int64]:
        """Rows of people who still have labels."""
        return np.flatnonzero(self.kind != "missing")


@dataclass(frozen=True, eq=False)
class _Scene:
    """What makers need: the truth, pictures, and who else is seen with each person (row of `seen`, -1 for nobody)."""

    people: People
    size_px: NDArray[np.int64]  # (n, 2) of the pictures
    seen: Sighting
    other: NDArray[np.int64]
    rng: np.random.Generator


def inject(people: People, images: Images, seen: Sighting | None, share: float, rng: np.random.Generator) -> Injected:
    """`share` of the people for each kind that the set allows; fewer where too few people are suited."""
    n = len(people)
    rows = images.rows_of(people.image_id)
    nobody = Sighting(np.empty(0, np.int64), np.empty((0, 17, 2)), np.empty(0))
    others = nobody if seen is None else unlabelled_people(seen, people)
    others = others.take(np.flatnonzero(others.chance >= _CERTAIN))
    size_px = np.stack([images.width[rows], images.height[rows]], axis=1)
    scene = _Scene(people, size_px, others, _first_other(people, others), rng)
    state = Injected(people, np.full(n, "", dtype="<U10"), np.full(n, -1), np.full(n, np.nan))
    order = rng.permutation(n)
    for kind, (suited, make) in MAKERS.items():
        free = order[(state.kind[order] == "") & suited(scene)[order]]
        state = make(scene, state, free[: round(share * n)], kind)
    return state


def _first_other(people: People, others: Sighting) -> NDArray[np.int64]:
    likeliest = np.argsort(-others.chance, kind="stable")
    row_of: dict[int, int] = {}
    for row in likeliest.tolist():
        row_of.setdefault(int(others.image_id[row]), row)
    return np.array([row_of.get(int(identity), -1) for identity in people.image_id], dtype=np.int64)


def _labelled(scene: _Scene) -> NDArray[np.bool_]:
    return np.asarray(scene.people.visibility > UNLABELLED)


def _has_pairs(kind: str) -> Callable[[_Scene], NDArray[np.bool_]]:
    return lambda scene: paired(_labelled(scene), EXCHANGES[kind]).sum(axis=1) >= 2 * LEAST_PAIRS


def _has_other(scene: _Scene) -> NDArray[np.bool_]:
    return np.asarray((scene.other >= 0) & (_labelled(scene).sum(axis=1) >= LEAST_JOINTS))


def _has_joints(scene: _Scene) -> NDArray[np.bool_]:
    return np.asarray(_labelled(scene).sum(axis=1) >= LEAST_JOINTS)


def _has_both_flags(scene: _Scene) -> NDArray[np.bool_]:
    """Nobody in a set that has one flag alone: it does not say what is occluded."""
    both = all((scene.people.visibility == flag).any() for flag in (OCCLUDED, VISIBLE))
    return _has_joints(scene) & both


def _exchange(scene: _Scene, state: Injected, rows: NDArray[np.int64], kind: str) -> Injected:
    return _marked(replace(state, people=exchanged(state.people, EXCHANGES[kind], rows)), rows, kind)


def _move_joint(scene: _Scene, state: Injected, rows: NDArray[np.int64], kind: str) -> Injected:
    joint, limb = _drawn_joints(scene, rows), limb_px(scene.people)[rows]
    points, limbs = scene.people.keypoints_px[rows].astype(np.float64), state.limbs.copy()
    moved = np.zeros(len(rows), dtype=bool)
    place = np.arange(len(rows))
    for _ in range(_TRIES):
        step = displacements(len(rows), scene.rng, SHIFT)[place, joint]
        target = points[place, joint] + step * limb[place, joint][:, None]
        good = ~moved & within(target[:, None], scene.size_px[rows][:, None])[:, 0]
        points[place[good], joint[good]] = target[good]
        limbs[rows[good]] = np.linalg.norm(step[good], axis=1)
        moved |= good
        points[place[~moved]] = scene.people.keypoints_px[rows[~moved]]
    chosen = rows[moved]
    people = _with_places(state.people, chosen, points[moved], scene.size_px)
    return _marked(replace(state, people=people, limbs=limbs), chosen, kind, joint[moved])


def _move_to_other(scene: _Scene, state: Injected, rows: NDArray[np.int64], kind: str) -> Injected:
    joint, place = _drawn_joints(scene, rows), np.arange(len(rows))
    points = scene.people.keypoints_px[rows].astype(np.float64)
    points[place, joint] = scene.seen.keypoints_px[scene.other[rows], joint]
    return _marked(replace(state, people=_with_places(state.people, rows, points, scene.size_px)), rows, kind, joint)


def _take_other(scene: _Scene, state: Injected, rows: NDArray[np.int64], kind: str) -> Injected:
    points = state.people.keypoints_px.copy()
    points[rows] = scene.seen.keypoints_px[scene.other[rows]]
    return _marked(replace(state, people=state.people.replace(keypoints_px=points)), rows, kind)


def _turn_flag(scene: _Scene, state: Injected, rows: NDArray[np.int64], kind: str) -> Injected:
    joint, flags = _drawn_joints(scene, rows), state.people.visibility.copy()
    flags[rows, joint] = OCCLUDED + VISIBLE - flags[rows, joint]
    return _marked(replace(state, people=state.people.replace(visibility=flags)), rows, kind, joint)


def _drop(scene: _Scene, state: Injected, rows: NDArray[np.int64], kind: str) -> Injected:
    return _marked(state, rows, kind)


def _drawn_joints(scene: _Scene, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """A labelled joint of each person in `rows`."""
    lots = np.where(_labelled(scene)[rows], scene.rng.random((len(rows), scene.people.visibility.shape[1])), -1)
    return np.asarray(lots.argmax(axis=1), dtype=np.int64)


def _marked(state: Injected, rows: NDArray[np.int64], kind: str, joint: NDArray[np.int64] | None = None) -> Injected:
    kinds, joints = state.kind.copy(), state.joint.copy()
    kinds[rows] = kind
    if joint is not None:
        joints[rows] = joint
    return replace(state, kind=kinds, joint=joints)


def _with_places(people: People, rows: NDArray[np.int64], points: Floats, size_px: NDArray[np.int64]) -> People:
    """New joints for `rows`; each side of a box moves as the joints' extent does there, and stays in the picture."""
    labelled = (people.visibility[rows] > UNLABELLED)[..., None]
    corners = []
    for places in (people.keypoints_px[rows], points):
        at = to_corner(places)
        low, high = (np.where(labelled, at, end) for end in (np.inf, -np.inf))
        corners.append((low.min(axis=1), high.max(axis=1)))
    (old_low, old_high), (new_low, new_high) = corners
    box = people.bbox_xywh_px[rows].astype(np.float64)
    low, high = box[:, :2] + new_low - old_low, box[:, :2] + box[:, 2:] + new_high - old_high
    boxes, keypoints = people.bbox_xywh_px.copy(), people.keypoints_px.copy()
    boxes[rows] = clip_boxes(np.concatenate([low, np.maximum(high - low, 1)], axis=1), size_px[rows], least_px=1)
    keypoints[rows] = points
    return people.replace(bbox_xywh_px=boxes, keypoints_px=keypoints)


Maker = Callable[[_Scene, Injected, NDArray[np.int64], str], Injected]
MAKERS: Mapping[str, tuple[Callable[[_Scene], NDArray[np.bool_]], Maker]] = {
    "neighbour": (_has_other, _move_to_other),  # first: few people have somebody near them
    "person": (_has_other, _take_other),
    **{kind: (_has_pairs(kind), _exchange) for kind in EXCHANGES},
    "joint": (_has_joints, _move_joint),
    "flag": (_has_both_flags, _turn_flag),
    "missing": (_has_joints, _drop),
}
"""Kind -> who is suited, and how it is made."""
