"""What a body stands on: the parts that a pose names as its supports, brought to the floor together.

A rigid body can be tipped about two level axes and moved up or down, so three supports can touch at once, and more only
if the pose is accurate. `support_gap_m` measures the gap that stays; a draw with a support in the air is redrawn.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..geometry.rotations import Matrix, swing
from .model import BODY_VERTICES, Template

SINK_M = 0.015  # soft parts are pressed in, and soft floors too
GAP_M = 0.02  # a support within this of the floor stands on it
_STEEPEST = np.tan(np.deg2rad(20.0))  # bodies are tipped no further: a pose that needs more is wrong
_BONES = {
    "hand": ("wrist", "finger", "metacarpal"),
    "foot": ("foot", "toe"),
    "knee": ("lowerleg01", "upperleg02"),
    "elbow": ("lowerarm01", "upperarm02"),
    "hips": ("root", "pelvis", "spine05", "upperleg01"),
    "back": ("spine01", "spine02", "spine03", "clavicle", "shoulder01", "breast"),
    "head": ("head", "neck"),
}
_CONTACT_BONES = {
    "hands": ("wrist", "finger", "metacarpal"),
    "feet": ("foot", "toe"),
    "knees": ("lowerleg01",),
    "elbows": ("lowerarm01",),
    "hips": ("root", "pelvis", "spine05"),
    "head": ("head",),
}


@cache  # string comparisons over all vertices, for one template a process
def contact_vertices(template: Template, part: str) -> NDArray[np.int64]:
    """Indices of the skin's vertices on one of the parts that poses name as contacts."""
    return np.flatnonzero(_moved_by(template, _CONTACT_BONES[part]))


@cache
def support_vertices(template: Template, part: str) -> NDArray[np.int64]:
    """Indices of the skin's vertices on one of the parts that poses name as supports."""
    side, _, name = part.rpartition("_")
    found = _moved_by(template, _BONES[name])
    if side:
        found &= (template.vertices_m[:BODY_VERTICES, 0] > 0) == (side == "left")
    return np.flatnonzero(found)


def settle_on_supports(
    vertices_m: NDArray[np.float64], groups: tuple[NDArray[np.int64], ...], *, iterations: int = 5
) -> Matrix:
    """Rotation that brings the lowest vertices of the groups as nearly to one height as tipping can.

    `vertices_m` (v, 3), groups of indices into it.
    """
    total = np.eye(3)
    if len(groups) < 2:
        return total
    for _ in range(iterations):  # the lowest vertex of a group changes while the body tips
        lowest = _lowest(vertices_m @ total.T, groups)
        level = lowest - lowest.mean(axis=0)
        slope = np.linalg.lstsq(level[:, :2], level[:, 2], rcond=0.05)[0]  # the least tilt where there are only two
        steepness = np.linalg.norm(slope)
        slope *= min(1.0, _STEEPEST / (steepness + 1e-9))
        total = swing([-slope[0], -slope[1], 1.0], [0.0, 0.0, 1.0]) @ total
        if steepness < 1e-3:
            break
    upright = total[2, 2]
    return total if upright > np.cos(np.arctan(_STEEPEST)) else np.eye(3)


def support_gap_m(vertices_m: NDArray[np.float64], groups: tuple[NDArray[np.int64], ...]) -> float:
    """How far the highest support stays above the floor when the body (v, 3) is let down until it sinks in `SINK_M`."""
    if not groups:
        return 0.0
    heights = _lowest(vertices_m, groups)[:, 2] - vertices_m[:BODY_VERTICES, 2].min()
    return max(0.0, float(heights.max()) - min(SINK_M, float(heights.mean())))


def sink_m(vertices_m: NDArray[np.float64], groups: tuple[NDArray[np.int64], ...]) -> float:
    """How far the lowest point goes below the floor so that the supports lie on it on average, at most `SINK_M`."""
    if not groups:
        return 0.0
    heights = _lowest(vertices_m, groups)[:, 2] - vertices_m[:BODY_VERTICES, 2].min()
    return min(SINK_M, float(heights.mean()))


def _lowest(vertices_m: NDArray[np.float64], groups: tuple[NDArray[np.int64], ...]) -> NDArray[np.float64]:
    """The lowest vertex of every group (groups, 3)."""
    return np.stack([vertices_m[group[vertices_m[group, 2].argmin()]] for group in groups])


def _moved_by(template: Template, starts: tuple[str, ...]) -> NDArray[np.bool_]:
    bones = template.vertex_bone[:BODY_VERTICES]
    return np.asarray(np.any([np.char.startswith(bones, start) for start in starts], axis=0))
