"""First hits against every triangle solved for, one by one, and against Blender's own rays."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dataengine.blender.geometry.mesh import Mesh, Surface, plain_texture
from dataengine.blender.scene.camera import Camera, look_at
from dataengine.blender.scene.rays import first_hits

Floats = NDArray[np.float64]


def _soup(rng: np.random.Generator, name: str, quads: int) -> Mesh:
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
    hits = first_hits([_soup(np.random.default_rng(0), "a", 3)], camera, np.empty((0, 3)))
    assert hits.mesh.shape == hits.quad.shape == (0,)
    assert hits.place_m.shape == (0, 3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_first_hits_are_those_of_every_triangle_tried(seed: int) -> None:
    rng = np.random.default_rng(seed)
    eye = rng.uniform(-1, 1, 3)
    camera = Camera(64, 48, 30.0, look_at(eye, rng.uniform(-3, 3, 3)))
    meshes = [_soup(rng, "a", 12), _soup(rng, "b", 5)]
    targets = rng.uniform(-4, 4, (10, 3))
    hits = first_hits(meshes, camera, targets)
    for row, target in enumerate(targets):
        mesh, quad, share = _solved(meshes, eye, target)
        assert (hits.mesh[row], hits.quad[row]) == (mesh, quad)
        if mesh < 0:
            assert np.isnan(hits.place_m[row]).all()
        else:
            np.testing.assert_allclose(hits.place_m[row], eye + share * (target - eye), atol=1e-9)


@pytest.mark.bpy
def test_blender_agrees(body_cache: Path) -> None:
    from dataengine.blender.cycles.observe import Light, observe
    from dataengine.blender.cycles.process import import_bpy

    bpy = import_bpy()
    import mathutils  # comes with bpy

    rng = np.random.default_rng(3)
    eye = np.zeros(3)
    camera = Camera(32, 32, 30.0, look_at(eye, np.array([0.0, 1.0, 0.0])))
    meshes = [_soup(rng, "a", 30), _soup(rng, "b", 10)]
    targets = rng.uniform(-4, 4, (200, 3))
    ours = first_hits(meshes, camera, targets)
    observe(meshes, camera, Light("studio", 0.0, 1.0, 0.0), targets, samples=1)
    graph, names = bpy.context.evaluated_depsgraph_get(), [mesh.name for mesh in meshes]
    for row, target in enumerate(targets):
        way = mathutils.Vector(target)
        hit, place, _, quad, made, _ = bpy.context.scene.ray_cast(
            graph, mathutils.Vector(eye), way.normalized(), distance=way.length
        )
        assert ours.mesh[row] == (names.index(made.name) if hit else -1)
        if hit:
            assert ours.quad[row] == quad
            np.testing.assert_allclose(ours.place_m[row], place, atol=1e-4)
    assert 20 < (ours.mesh >= 0).sum() < 180
