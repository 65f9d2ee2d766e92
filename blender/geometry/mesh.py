"""The meshes that the observer renders: quads with image-textured surfaces, as plain arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Surface:
    """A material: an image for the colour and, optionally, one for the relief."""

    colour: NDArray[np.float32]  # (h, w, 3) linear RGB
    height: NDArray[np.float32] | None = None  # (h, w) in 0..1
    colour_repeats: float = 1.0
    height_repeats: float = 1.0
    bump_m: float = 0.0
    roughness: float = 0.8
    specular: float = 0.3
    subsurface: float = 0.0


@dataclass(frozen=True, eq=False)
class Mesh:
    """Quads in world space, metres. `instance` is 0 for things and 1.. for people."""

    name: str
    vertices_m: NDArray[np.float64]  # (v, 3)
    quads: NDArray[np.int32]  # (q, 4)
    corner_uv: NDArray[np.float32]  # (q, 4, 2)
    surface_of_quad: NDArray[np.int32]  # (q,)
    surfaces: tuple[Surface, ...]
    instance: int = 0
    rest_m: NDArray[np.float64] | None = None  # (v, 3) where on the resting body a vertex lies; people only


def plain_texture(colour: tuple[float, float, float]) -> NDArray[np.float32]:
    """A texture of one colour."""
    return np.full((2, 2, 3), colour, dtype=np.float32)


def bounds(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Least and greatest coordinates (2, k) of points (n, k), by column: `min(axis=0)` takes ten times as long."""
    columns = [points[:, axis] for axis in range(points.shape[1])]
    return np.array([[column.min() for column in columns], [column.max() for column in columns]])


def all_corners(of_vertex: NDArray[np.bool_], quads: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mask (q,) of the quads (q, 4) with all corners set in `of_vertex` (v,); five times as fast as `all(axis=1)`."""
    first, second, third, fourth = (of_vertex[quads[:, corner]] for corner in range(4))
    return first & second & third & fourth


def any_corner(of_vertex: NDArray[np.bool_], quads: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mask (q,) of the quads (q, 4) with at least one corner set in `of_vertex` (v,)."""
    return ~all_corners(~of_vertex, quads)


def compacted(quads: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of those of `count` vertices that the quads (q, 4) use, ascending, and the quads as indices into these.

    It is `np.unique(quads, return_inverse=True)` without the sort, in a tenth of the time.
    """
    used = np.zeros(count, dtype=bool)
    used[quads] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[quads]


def vertex_normals(vertices_m: NDArray[np.float64], quads: NDArray[np.integer]) -> NDArray[np.float64]:
    """Unit normals (v, 3), area weighted; zero at vertices without a quad."""
    diagonals = vertices_m[quads[:, 2]] - vertices_m[quads[:, 0]], vertices_m[quads[:, 3]] - vertices_m[quads[:, 1]]
    across = np.repeat(np.cross(*diagonals), 4, axis=0)
    corner, count = quads.ravel(), len(vertices_m)
    normals = np.stack([np.bincount(corner, weights=along, minlength=count) for along in across.T], axis=1)
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)


def boxes(
    parts: list[tuple[tuple[float, float, float], tuple[float, float, float]]],
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Vertices and quads of axis-aligned boxes, each given by its centre and size in metres."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    faces = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (1, 5, 7, 3), (0, 2, 6, 4)])
    vertices = np.concatenate([np.array(centre) + signs * np.array(size) for centre, size in parts])
    quads = np.concatenate([faces + 8 * part for part in range(len(parts))])
    return vertices, quads.astype(np.int32)
