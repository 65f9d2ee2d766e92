"""Meshes to look at, for the tests of rays."""

import numpy as np

from dataengine.blender.geometry.mesh import Mesh, Surface, plain_texture


def soup(rng: np.random.Generator, name: str, quads: int) -> Mesh:
    """Bent quads of any size all about the camera; some reach behind it."""
    middles = rng.uniform(-3, 3, (quads, 1, 3))
    square = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
    turn = np.linalg.qr(rng.normal(size=(quads, 3, 3)))[0]
    corners = middles + (square @ turn) * rng.uniform(0.1, 2, (quads, 1, 1)) + rng.normal(0, 0.02, (quads, 4, 3))
    return Mesh(
        name=name,
        vertices_m=corners.reshape(-1, 3),
        quads=np.arange(4 * quads, dtype=np.int32).reshape(-1, 4),
        corner_uv=np.zeros((quads, 4, 2), dtype=np.float32),
        surface_of_quad=np.zeros(quads, dtype=np.int32),
        surfaces=(Surface(plain_texture((0.5, 0.5, 0.5))),),
    )
