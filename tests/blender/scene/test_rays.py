"""First hits against every triangle solved for, one by one; cycles/test_observe.py has them against Blender's rays."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.blender.geometry.mesh import Mesh
from dataengine.blender.scene.camera import Camera, look_at
from dataengine.blender.scene.rays import first_hits

from ...helpers.meshes import soup

Floats = NDArray[np.float64]


def _solved(meshes: list[Mesh], eye: Floats, target: Floats) -> tuple[int, int, float]:
    """Mesh, quad and share of the way of the first hit, from one linear system a triangle."""
    found = (-1, -1, 1.0)
    for number, mesh in enumerate(meshes):
        for quad, corners in enumerate(mesh.vertices_m[mesh.quads]):
            for b, c in ((1, 2), (2, 3)):
                columns = np.stack([target - eye, corners[0] - corners[b], corners[0] - corners[c]], axis=1)
                share, u, v = np.linalg.solve(columns, corners[0] - eye)
                if u >= 0 and v >= 0 and u + v <= 1 and 0 < share < found[2]:
                    found = number, quad, float(share)
    return found


def test_no_targets_no_hits() -> None:
    camera = Camera(64, 48, 30.0, look_at(np.zeros(3), np.ones(3)))
    hits = first_hits([soup(np.random.default_rng(0), "a", 3)], camera, np.empty((0, 3)))
    assert hits.mesh.shape == hits.quad.shape == (0,)
    assert hits.place_m.shape == (0, 3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_first_hits_are_those_of_every_triangle_tried(seed: int) -> None:
    rng = np.random.default_rng(seed)
    eye = rng.uniform(-1, 1, 3)
    camera = Camera(64, 48, 30.0, look_at(eye, rng.uniform(-3, 3, 3)))
    meshes = [soup(rng, "a", 12), soup(rng, "b", 5)]
    targets = rng.uniform(-4, 4, (10, 3))
    hits = first_hits(meshes, camera, targets)
    for row, target in enumerate(targets):
        mesh, quad, share = _solved(meshes, eye, target)
        assert (hits.mesh[row], hits.quad[row]) == (mesh, quad)
        if mesh < 0:
            assert np.isnan(hits.place_m[row]).all()
        else:
            np.testing.assert_allclose(hits.place_m[row], eye + share * (target - eye), atol=1e-9)
