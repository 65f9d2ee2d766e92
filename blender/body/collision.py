"""Self-intersection: how deep a posed body runs into itself, for rejecting draws and fits.

`BodyParts.of(template)` cuts the skin into parts once; `deepest_overlap_m` then measures a posed body in about ten
milliseconds, with no memory beyond its points. For samples of forearms, hands, thighs, shins and feet it finds the
nearest skin of other parts; a sample behind that skin is inside, as deep as its distance from the skin's plane. Parts
that share a joint are not compared, because flesh gives way there.

Anny's own `SelfInterpenetrationModule` answers another question, in 25 ms: which triangles cross. It cannot distinguish
a hand that rests on a hip from one inside it, counts closed fists, and its runtime (warp) takes 150 MB in every render
worker and compiles into the user's home folder. The tests compare with it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..geometry.mesh import bounds
from .model import BODY_VERTICES, Template

FLESH_GIVES_M = 0.025  # skin that touches is pressed in about as far; deeper is an intersection
_STRIDE = 3  # every third vertex is looked at
_FARTHEST_M = 0.12  # the skin's plane says nothing about points farther away
_ALONG_NORMAL = 0.6  # smallest cosine between nearest skin's direction and normal: less is off to the side
_PARTS = {  # prefixes of bone names; the trunk is the rest
    "head": ("head", "neck", "jaw"),
    "shoulder": ("clavicle", "shoulder01", "upperarm01"),
    "upper arm": ("upperarm02",),
    "forearm": ("lowerarm",),
    "hand": ("wrist", "metacarpal", "finger"),
    "hip": ("pelvis", "upperleg01"),
    "thigh": ("upperleg02",),
    "shin": ("lowerleg",),
    "foot": ("foot", "toe"),
}
_TRUNK = "trunk"
_NOT_COMPARED = {  # parts of the same side that a part touches all the time
    "forearm": ("forearm", "upper arm", "shoulder", "hand"),
    "hand": ("hand", "forearm"),
    "thigh": ("thigh", "shin", "hip", "trunk"),
    "shin": ("shin", "thigh", "hip", "foot"),
    "foot": ("foot", "shin"),
}


@dataclass(frozen=True, eq=False)
class BodyParts:
    """Sampled skin vertices (n,), and for every tested part the samples that it must not run into."""

    vertex: NDArray[np.int64]  # (n,)
    quad: NDArray[np.int64]  # (n, 4) a quad of the skin at each vertex, which gives its normal
    tests: tuple[tuple[str, NDArray[np.int64], NDArray[np.int64]], ...]  # name, rows of a part, rows of the others

    @classmethod
    def of(cls, template: Template) -> Self:
        """Cut a template into parts by the bones that move its vertices."""
        quads = template.quads[(template.quads < BODY_VERTICES).all(axis=1)]
        quad_at = np.full(BODY_VERTICES, -1)
        quad_at[quads.ravel()] = np.repeat(np.arange(len(quads)), 4)
        vertex = np.flatnonzero(quad_at >= 0)[::_STRIDE]
        part = _part_names(template.vertex_bone[vertex])
        is_left = template.vertices_m[vertex, 0] > 0
        tests = []
        for name, left_out in _NOT_COMPARED.items():
            for side in (is_left, ~is_left):
                own = side & (part == name)
                others = ~(np.isin(part, left_out) & (side | np.isin(part, (_TRUNK, "hip"))))
                tests.append((name, np.flatnonzero(own), np.flatnonzero(others)))
        return cls(vertex, quads[quad_at[vertex]], tuple(tests))


def deepest_overlap_m(parts: BodyParts, body_m: NDArray[np.float64]) -> float:
    """How deep the deepest sampled point of a posed body (v, 3) lies inside another part; 0 where none does."""
    return max(overlaps_m(parts, body_m).values())


def overlaps_m(parts: BodyParts, body_m: NDArray[np.float64]) -> dict[str, float]:
    """The depth for every kind of part: its name -> metres, of the deeper of left and right."""
    points = body_m[parts.vertex]
    corners = body_m[parts.quad]
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    deepest: dict[str, float] = {}
    for name, own, others in parts.tests:
        near = _near(points, own, others)
        depth = _depth_m(points[own], points[near], normals[near]) if len(near) else 0.0
        deepest[name] = max(deepest.get(name, 0.0), depth)
    return deepest


def _near(points: NDArray[np.float64], own: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of `others` that lie in or near the bounding box of the part."""
    low, high = bounds(points[own]) + np.array([[-_FARTHEST_M], [_FARTHEST_M]])
    for axis in range(3):
        along = points[others, axis]
        others = others[(along > low[axis]) & (along < high[axis])]
    return others


def _depth_m(points_m: NDArray[np.float64], skin_m: NDArray[np.float64], normals: NDArray[np.float64]) -> float:
    distance, nearest = cKDTree(skin_m).query(points_m, distance_upper_bound=_FARTHEST_M)
    found = np.isfinite(distance)
    inwards = ((skin_m[nearest[found]] - points_m[found]) * normals[nearest[found]]).sum(axis=1)
    behind = inwards > _ALONG_NORMAL * distance[found]
    return float(inwards[behind].max()) if behind.any() else 0.0


def _part_names(bones: NDArray[np.str_]) -> NDArray[np.str_]:
    names = np.full(len(bones), _TRUNK, dtype="<U12")
    for name, starts in _PARTS.items():
        names[np.any([np.char.startswith(bones, start) for start in starts], axis=0)] = name
    return names
